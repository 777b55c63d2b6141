"""Sweeps: what is tried, the trials and their trees, how far they are."""
