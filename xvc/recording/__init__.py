"""Beginning a run, and changing what was logged: each is written down before anything happens."""
