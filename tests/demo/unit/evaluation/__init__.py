"""These tests of the evaluation need no deployment."""
