"""The record in DuckDB: the only SQL."""
