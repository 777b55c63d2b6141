"""git as a program: plumbing calls and typed answers. The only door to git."""
