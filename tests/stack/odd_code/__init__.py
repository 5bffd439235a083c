"""The stack hosts this code location of odd but plausible user code in place of the demo."""
