"""A rule's job while it runs: its log, device, images and state, and the digest of its code."""
