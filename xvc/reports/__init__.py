"""Reports: what was run, which is best and why, as documents."""
