"""The database at the command line: tables, edits, assets and cached results."""
