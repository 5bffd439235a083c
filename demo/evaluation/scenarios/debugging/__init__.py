"""Debugging: a bad record, a table that cannot be replaced, and dough that was mixed for too long."""
