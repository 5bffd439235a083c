"""A Postgres server with the roles of two code locations for their outputs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dagster_deployment import output_store
from dagster_deployment.output_store import OutputStore
from dagster_services.database import output_store as tables
from dev.postgres import PASSWORD, Server, postgres, set_roles
from tests.integration.databases import connected

LOCATIONS = ("shop", "user_code")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yields a Postgres server with the roles of two code locations."""
    with tempfile.TemporaryDirectory(prefix="outputs", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        with postgres(Path(name, "postgres")) as server:
            for location in LOCATIONS:
                (server.folder / f"outputs_{location}_scram").write_text(PASSWORD)
            with (server.folder / "pgpass").open("a") as pgpass:
                pgpass.writelines(f"*:*:*:outputs_{location}:{PASSWORD}\n" for location in LOCATIONS)
            set_roles(server)
            yield server


@pytest.fixture(autouse=True)
def environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the tables, and sets the variables of a code server. Only the pool has another name for the database."""
    monkeypatch.setattr(output_store, "DATABASE", "dagster")
    variables = {"HOST": "127.0.0.1", "PORT": str(server.port), "USER": "dagster", "DB": "dagster"}
    for name, value in variables.items():
        monkeypatch.setenv(f"DAGSTER_POSTGRES_{name}", value)
    monkeypatch.setenv("PGPASSFILE", str(server.folder / "pgpass"))
    monkeypatch.setenv("OUTPUT_STORE", "postgres")
    with closing(connected(os.environ, "dagster", "dagster")) as connection:
        tables.ensure(connection)


def store(location: str | None) -> OutputStore:
    """Returns the store of a code location, or that of the webserver."""
    named = {"CODE_LOCATION": location} if location else {}
    found = OutputStore.from_environment({**os.environ, **named})
    assert found
    return found
