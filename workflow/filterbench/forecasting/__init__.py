"""The cost of a study, estimated before it runs: its jobs and images, and this machine's speed."""
