"""Versions: making one of a run, getting files of one, checking one out."""
