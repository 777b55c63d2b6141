"""What runs the trials of a sweep: each behind the port of `core.job`."""
