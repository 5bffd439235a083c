"""Checks, locks and pictures of this repository."""
