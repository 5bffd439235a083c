"""Tests of the service `monitor` that need no server."""
