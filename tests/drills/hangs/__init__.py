"""Drills of services that hang, and of a machine on which nothing hangs although all is slow."""
