"""A generated graph of assets, of the size that GROWN_ASSETS names."""
