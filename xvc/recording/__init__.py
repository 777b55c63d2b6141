"""Beginning a run and changing what was logged: what is written down before anything else happens."""
