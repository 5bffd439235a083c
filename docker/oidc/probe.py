"""Health of the OIDC login: does it answer, and does it hold back whoever has no session?"""

import sys
from urllib.error import HTTPError
from urllib.request import urlopen

try:
    urlopen("http://127.0.0.1:8080/", timeout=4)
except HTTPError as error:
    sys.exit(error.code != 401 and f"the login answers {error.code} to who has not logged in")  # noqa: PLR2004 - Unauthorized
sys.exit("the login lets everybody pass")
