"""A run as files for others: what continuous integration keeps and compares."""
