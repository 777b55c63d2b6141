"""Where rows go beside the store: log files, standard output, JSON lines."""
