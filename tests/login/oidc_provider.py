"""Runs an OpenID Connect provider over TLS: `python -m tests.login.oidc_provider HOST PORT CERTIFICATE GROUPS`.

GROUPS is JSON.
"""

import json
import sys

import uvicorn
from oidc_provider_mock import User, app

host, port, certificate, groups = sys.argv[1:]
people = [User(sub=name, claims={"groups": found}) for name, found in json.loads(groups).items()]
provider = app(require_client_registration=True, user_claims=people)
# The package's own server does not support TLS.
uvicorn.run(provider, interface="wsgi", host=host, port=int(port), ssl_certfile=certificate)
