"""Work trees for experiments: added, adopted, listed, removed."""
