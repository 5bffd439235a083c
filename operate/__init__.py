"""Commands for the deployment's operator. They need only Python's standard library: nothing to install on the host."""
