"""Says who may pass: names, roles and bcrypt hashes from one file, for the edge's `forward_auth`."""
