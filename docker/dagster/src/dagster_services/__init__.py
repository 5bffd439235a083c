"""The processes of this deployment that run no user code: webserver, daemon, and the one-shot services."""
