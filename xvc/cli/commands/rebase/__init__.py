"""Replace rows by their key."""
