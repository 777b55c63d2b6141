"""Work trees for experiments: own branch, store and runs; data and versions are shared."""
