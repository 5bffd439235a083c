"""Health of the webserver: does it answer? `/server_info` touches no database, so a slow database does not restart it."""

import json
import os
import sys
from urllib.request import urlopen

with urlopen(f"http://{os.environ['LISTEN_ON']}:3000/server_info", timeout=15) as response:
    sys.exit("dagster_version" not in json.load(response))
