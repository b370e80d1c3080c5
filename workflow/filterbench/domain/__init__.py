"""What a study is about: targets, and what trainings spend."""
