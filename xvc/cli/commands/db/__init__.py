"""Look into the database, change it, draw it."""
