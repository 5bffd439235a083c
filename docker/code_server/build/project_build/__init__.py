"""Builds the environment of a code location from its project: a lock of its packages, a copy of its files."""
