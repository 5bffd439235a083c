"""Dagster's daemon, and its health."""
