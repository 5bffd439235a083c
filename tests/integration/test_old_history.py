"""The service `migrate` brings the tables of Dagster 1.11 to this release, with all history."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from operate.compose import ROOT
from tests.integration.conftest import migrate
from tests.integration.databases import asking

OLD = ("dagster==1.11.16", "dagster-postgres==0.27.16", "sqlalchemy<2.1")
PROGRAM = str(ROOT / "tests/integration/old_history.py")
# Rows that no migration may change.
ROWS = (
    "SELECT run_id, status, run_body FROM runs ORDER BY id",
    "SELECT id, event FROM event_logs ORDER BY id",
    "SELECT asset_key, asset_details FROM asset_keys ORDER BY id",
)


@pytest.fixture(scope="module")
def old(environment: dict[str, str]) -> dict[str, str]:
    """Returns the environment with an empty database of its own."""
    with asking(environment, "postgres", "postgres") as cursor:
        cursor.execute("CREATE DATABASE history OWNER dagster")
    plain = {
        name: value for name, value in environment.items() if name != "PYTHONPATH" and not name.startswith("DAGSTER_DEFAULT")
    }
    return {**plain, "DAGSTER_POSTGRES_DB": "history"}


def told(environ: dict[str, str], command: list[str], *arguments: str) -> dict[str, Any]:
    """Returns the history that the program prints."""
    ended = subprocess.run([*command, PROGRAM, *arguments], env=environ, text=True, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def rows(environ: dict[str, str]) -> list[Any]:
    """Returns the rows that must stay."""
    with asking(environ, "dagster", "history") as cursor:
        return [cursor.execute(query) or cursor.fetchall() for query in ROWS]


def version(environ: dict[str, str]) -> str:
    """Returns the version of the tables."""
    with asking(environ, "dagster", "history") as cursor:
        cursor.execute("SELECT version_num FROM alembic_version")
        return str(cursor.fetchall()[0][0])


@pytest.mark.timeout(300)
def test_history_of_dagster_1_11_is_whole_after_a_migration(
    old: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    """The new Dagster reads runs, events, partitions, checks and observations as the old one has written them."""
    uv = [sys.executable, "-m", "uv", "run", "--quiet", "--no-config", "--no-project", "--isolated", "--python", sys.executable]
    packages = [part for package in OLD for part in ("--with", package)]
    history = told(old, [*uv, *packages, "python"], "make", str(tmp_path / "old"))
    assert sorted(history["partitions"]) == ["north", "south"]
    assert sorted(status for _, status, _ in history["runs"].values()) == ["FAILURE", *["SUCCESS"] * 4]
    assert (len(history["checks"]), history["observations"], history["assets"]) == (1, [3], ["sales", "total"])
    before, tables = rows(old), version(old)
    migrate({**environment, "DAGSTER_POSTGRES_DB": "history"})
    assert version(old) != tables
    assert rows(old) == before
    assert told(old, [sys.executable], "tell", str(tmp_path / "new")) == history
