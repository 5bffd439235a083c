"""Jobs, a module for each."""
