"""Objects, files and folders that runs kept: list, copy out, delete."""
