"""What `scripts/bench` measures: a module for each part of xvc, a function for each case."""
