"""Processes, files, locks and the environment of this machine; foreign errors stop here."""
