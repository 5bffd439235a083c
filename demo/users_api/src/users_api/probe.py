"""Health of the source system: does its control endpoint answer? It does, whatever behaviour is set."""

import sys
from urllib.request import urlopen

with urlopen("http://127.0.0.1:8080/control", timeout=15) as response:
    sys.exit(response.status != 200)  # noqa: PLR2004 - OK
