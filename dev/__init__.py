"""Runs the deployment's parts as processes on loopback, for `make dev` and the integration tests. Needs .venv."""
