"""Pure values and rules: no clock, no git, no files, standard library only."""
