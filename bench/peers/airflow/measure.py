"""Prints the seconds from the request to the end of each chain, through Airflow's REST API."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from typing import Any
from urllib.request import Request, urlopen

API = "http://127.0.0.1:8080"
DEADLINE_SECONDS = 900


def ask(path: str, token: str = "", body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer to a request."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(API + path, data, headers), timeout=30) as response:
        found: dict[str, Any] = json.load(response)
    return found


def seconds(chain: str, token: str) -> float:
    """The seconds that a chain takes."""
    asked = time.time()
    run = f"/api/v2/dags/{chain}/dagRuns/" + ask(f"/api/v2/dags/{chain}/dagRuns", token, {"logical_date": None})["dag_run_id"]
    while (found := ask(run, token))["state"] not in {"success", "failed"}:
        if time.time() - asked > DEADLINE_SECONDS:
            raise TimeoutError(f"{chain}: {found}")
        time.sleep(0.5)
    if found["state"] == "failed":
        raise RuntimeError(f"{chain}: {found}")
    return datetime.fromisoformat(found["end_date"]).timestamp() - asked


if __name__ == "__main__":
    print(seconds(sys.argv[1], ask("/auth/token")["access_token"]))
