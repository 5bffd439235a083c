"""Each tier has a folder.

`static` tests read the repository. `unit` tests need no server. `integration` tests start real servers, but no Docker.
`stack`, `login` and `locations` tests start the whole deployment: as it is, behind a login, and with projects of others.
`demo` holds the tests of the demo: a team deletes them together with the demo.
"""
