"""A project as a whole: made ready, looked after, and how it stands."""
