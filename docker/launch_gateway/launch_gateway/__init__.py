"""The only process with the Docker socket: relays the few calls that launching a run needs, and refuses every other."""
