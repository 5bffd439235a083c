"""The demo in a deployment whose runs are executed by a worker."""
