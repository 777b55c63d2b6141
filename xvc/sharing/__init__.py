"""Exchanging with remotes: push, pull, and what of the DVC cache is still needed."""
