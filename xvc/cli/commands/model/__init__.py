"""Models: candidates of runs, what is in production, and the way back."""
