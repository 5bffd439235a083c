"""Prepares Dagster's database at each start."""
