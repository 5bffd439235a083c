"""Code is replaced while workers execute it."""
