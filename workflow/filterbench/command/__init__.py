"""The command `filterbench`: for users who have one net, and need no study."""
