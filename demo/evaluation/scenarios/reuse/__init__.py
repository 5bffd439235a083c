"""Re-use: a new product from existing data."""
