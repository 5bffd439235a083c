"""A drill of retention with a million events."""
