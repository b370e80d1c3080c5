"""What a study will cost: its jobs and images counted beforehand, this machine's speed, a run's progress."""
