"""Backups are restored."""
