"""The only process with the Docker socket. It relays the few calls that launch a run, and refuses all others."""
