"""What an operator runs against the deployment. Python's standard library only: nothing to install on the host."""
