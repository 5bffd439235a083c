"""Health of the OIDC login: does it reject requests without a session, and does it reach the provider?

It hangs only if it does not answer.
"""

import http.client
import os
import sys


def status(accept: str) -> int:
    """The status of a request without a session; redirects are not followed."""
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=9)
    forwarded = {"X-Forwarded-Host": "localhost", "X-Forwarded-Proto": "https"}
    connection.request("GET", "/", headers={"Accept": accept, **forwarded})
    return connection.getresponse().status


answers: dict[str, object] = {"a call": status("application/json")}
try:
    answers["a page"] = status("text/html")
except TimeoutError:
    # It asks the provider first.
    answers["a page"] = "nothing"
if answers != {"a call": 401, "a page": 302}:
    print(f"the login answers {answers} to who has not logged in")
    sys.exit(os.EX_TEMPFAIL)
