"""A rule's process: the job that it runs, its warm parent, devices and workers."""
