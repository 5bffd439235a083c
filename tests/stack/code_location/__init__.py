"""The code location of the stack tests: everyday work, and odd but plausible user code."""
