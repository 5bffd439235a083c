"""Two topics of the texts beyond the four situations: a backfill of keys, and one-off work."""
