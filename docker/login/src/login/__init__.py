"""Authenticates users for the edge's `forward_auth`: names, roles and bcrypt hashes from one file."""
