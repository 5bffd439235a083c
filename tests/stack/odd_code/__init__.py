"""A code location of odd but plausible user code, which the stack hosts in place of the demo."""
