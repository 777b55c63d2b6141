"""Look into the cache of function results: what is stored, how it is used, why a call missed."""
