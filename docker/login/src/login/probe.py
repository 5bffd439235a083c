"""Health of the login: does it answer?"""

import sys
from urllib.request import urlopen

with urlopen("http://127.0.0.1:8080/ready", timeout=15) as response:
    sys.exit(response.read() != b"OK")
