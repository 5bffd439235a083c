"""Assets, a module for each group."""
