"""Dagster's webserver, with limits on the data that it reads and a log of the changes that users make."""
