"""Runs: running a command, listing, showing, comparing and validating what was run."""
