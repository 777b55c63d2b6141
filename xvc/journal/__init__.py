"""The write-ahead log: one append-only file a writer."""
