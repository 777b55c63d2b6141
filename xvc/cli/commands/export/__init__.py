"""Write what is recorded for other tools."""
