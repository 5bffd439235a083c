"""Tests: `unit` needs no server, `integration` real ones but no Docker, `stack` the whole deployment."""
