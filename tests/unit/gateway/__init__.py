"""The launch gateway: what passes, what does not, and that nothing else reaches the engine."""
