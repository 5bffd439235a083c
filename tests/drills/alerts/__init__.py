"""Drills of the alerts that need no MONITORING=1."""
