"""The demo code location: the same work as assets and as ops in a job."""
