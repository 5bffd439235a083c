"""Health of a program of this image: does the URL in the argument answer?"""

import sys
from urllib.request import urlopen

with urlopen(sys.argv[1], timeout=15) as response:
    sys.exit(response.status != 200)  # noqa: PLR2004 - OK
