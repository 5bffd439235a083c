"""Plays scenarios on the running deployment, and restores it afterwards."""
