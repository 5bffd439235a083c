"""The verbs of the operator. They need only Python's standard library: nothing to install on the host."""
