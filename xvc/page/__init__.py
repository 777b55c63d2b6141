"""The local page: what the command line knows, in a browser, from this machine alone."""
