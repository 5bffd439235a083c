"""Keeps base backups and WAL of the deployment's Postgres, tries them, and restores the database of any moment."""
