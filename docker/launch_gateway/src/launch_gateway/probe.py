"""Health of the gateway: does the engine answer through it? If only the engine is away, the gateway does not hang."""

import os
import sys
from urllib.error import HTTPError
from urllib.request import urlopen

try:
    with urlopen("http://127.0.0.1:2375/_ping", timeout=15) as response:
        sys.exit(response.read() != b"OK")
except HTTPError as error:
    print(f"the engine does not answer: {error.read().decode()}")
    sys.exit(os.EX_TEMPFAIL)
