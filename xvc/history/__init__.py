"""Finding what was recorded: what a reference names, in the store, in a version or in git."""
