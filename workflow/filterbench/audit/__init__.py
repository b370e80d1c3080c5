"""The audit of a table of reported points: what can be told by arithmetic, without a study."""
