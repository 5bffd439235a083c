"""Health of the gateway: does the engine answer through it?"""

import sys
from urllib.request import urlopen

with urlopen("http://127.0.0.1:2375/_ping", timeout=4) as response:
    sys.exit(response.read() != b"OK")
