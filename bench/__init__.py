"""Measures the running deployment: how long a run takes, and how many a minute it carries."""
