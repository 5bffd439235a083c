"""Controls the running source system: `python -m users_api.control behaviour=fail`, `rows=1000`, `publish=true`."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import Any

URL = "http://127.0.0.1:8080/control"


def parse(arguments: list[str]) -> dict[str, Any]:
    """The request from `name=value` arguments. A value is JSON if it parses, otherwise text.

    Raises:
        ValueError: an argument has no '='.
    """
    request = {}
    for argument in arguments:
        name, separator, value = argument.partition("=")
        if not separator:
            raise ValueError(f"'{argument}' is not of the form name=value")
        try:
            request[name] = json.loads(value)
        except json.JSONDecodeError:
            request[name] = value
    return request


def main() -> None:
    """Prints the source's new state; ends with one sentence if the source did not understand."""
    try:
        body = json.dumps(parse(sys.argv[1:])).encode()
        with urllib.request.urlopen(urllib.request.Request(URL, body, method="PUT"), timeout=10) as response:
            print(response.read().decode())
    except urllib.error.HTTPError as error:
        sys.exit(json.load(error)["error"])
    except (OSError, ValueError) as error:
        sys.exit(f"users_api.control: {error}")


if __name__ == "__main__":
    main()
