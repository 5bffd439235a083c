"""Makes passwords, and keeps the secrets of user code."""
