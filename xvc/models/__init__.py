"""Models: candidates and stages, promoted, rolled back, pruned."""
