"""What a study will cost: its jobs and images counted beforehand, and this machine's speed."""
