"""Each tier has a folder.

`static` tests read the repository, `unit` tests need no server, `integration` tests real ones but no Docker, and `stack`
tests the whole deployment. `demo` holds the tests of the demo, which leave with it.
"""
