"""Each tier has a folder.

`static` tests read the repository. `unit` tests need no server. `integration` tests start real servers, but no Docker.
`stack` tests start the whole deployment. `demo` holds the tests of the demo: a team deletes them together with the demo.
"""
