"""`unit` tests need no server, `integration` tests real ones but no Docker, `stack` tests the whole deployment."""
