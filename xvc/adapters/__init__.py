"""The world, one door a tool; foreign errors stop here."""
