"""The launch gateway passes and hardens the requests of runs, and rejects all other requests."""
