"""The service `backup` keeps WAL and base backups, tries them, and brings the databases of a moment back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from dagster_api.waiting import seen, wait_for
from operate.overlays import BACKUP
from tests.drills.backup.conftest import WAL_KEEP
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(900)
STATUS = "/var/lib/backup/status.json"
BASES = "/var/lib/backup/deployment/base"
EVER = datetime(2000, 1, 1, tzinfo=UTC)
# The service looks every 30 s.
SECONDS = 200
NUMBERS = "SELECT count(*) FROM numbers"
INCREMENTAL = """
from database_backup.keep import WORK
from database_backup.work import attempt, configured
configured()
attempt("incremental", WORK["incremental"])
"""
SLOTS = "SELECT count(*) FROM pg_replication_slots"


def outcomes(stack: Stack) -> dict[str, Any]:
    """Returns the outcomes of the service's work."""
    return dict(json.loads(stack.exec("backup", "cat", STATUS, check=False) or "{}"))


def wait_for_work(stack: Stack, kind: str, since: datetime) -> dict[str, Any]:
    """Waits until work of a kind has succeeded since a time; returns its outcome."""

    def succeeded() -> dict[str, Any] | None:
        found = outcomes(stack).get(kind, {})
        done = found and datetime.fromisoformat(found["tried"]) > since and not found["error"]
        return seen(found if done else None, outcomes(stack))

    return wait_for(f"work of the kind {kind}", succeeded, seconds=SECONDS, every=1)


def make_incremental(stack: Stack) -> None:
    """Lets the service make an incremental backup now."""
    stack.exec("backup", "/usr/bin/python3", "-c", INCREMENTAL)
    assert outcomes(stack)["incremental"]["said"].endswith(" is whole")


def moment(stack: Stack) -> str:
    """Returns the time by the clock of Postgres. What is committed before belongs to that moment."""
    return stack.warehouse("SELECT clock_timestamp()")[0]


def restore(stack: Stack, at: str) -> str:
    """Restores the databases of a moment; returns what the command says."""
    restored = stack.make("restore", f"AT={at}", "YES=1")
    assert restored.returncode == 0, restored.stderr
    return restored.stderr


def program(stack: Stack, name: str) -> Callable[[], str]:
    """Returns a function that returns the error of a program in the service, which must fail."""
    return lambda: stack.exec_refused("backup", "/usr/bin/python3", "-m", f"database_backup.{name}")


def test_first_backup_is_made_and_tried_at_once(still: Stack) -> None:
    """A backup that was never restored counts as none."""
    said = wait_for_work(still, "drill", EVER)["said"]
    assert said.endswith(" rows, all indexes are whole")
    assert said.split()[0] in still.exec("backup", "ls", BASES).split()


def test_databases_of_three_moments_come_back(still: Stack) -> None:
    """Somebody drops a table. A moment that an earlier restore has undone is still there."""
    began = datetime.now(UTC)
    wait_for_work(still, "drill", EVER)
    kept = still.succeeds("letters_job").run_id
    still.warehouse("CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n")
    first = moment(still)
    lost = still.succeeds("letters_job").run_id
    still.warehouse("INSERT INTO numbers SELECT generate_series(1, 1000)")
    second = moment(still)
    still.warehouse("DROP TABLE numbers")
    assert "restore: the database is that of " in restore(still, first)
    assert still.warehouse(NUMBERS) == ["1000"]
    assert [each.run_id for each in still.client.runs(runIds=[kept, lost])] == [kept]
    wait_for_work(still, "full", began)
    still.succeeds("letters_job")
    make_incremental(still)
    still.exec("backup", "/usr/bin/python3", "-m", "database_backup.drill")
    still.warehouse("INSERT INTO numbers VALUES (0)")
    third = moment(still)
    restore(still, second)
    assert still.warehouse(NUMBERS) == ["2000"]
    restore(still, third)
    assert still.warehouse(NUMBERS) == ["1001"]
    still.succeeds("letters_job")


def test_latest_moment_of_a_database_whose_disk_is_dead_comes_back(still: Stack) -> None:
    """The WAL file that was being written is part of it."""
    wait_for_work(still, "full", EVER)
    wait_for_work(still, "wal", datetime.now(UTC))
    # More than a file of WAL, which the service does not archive any more.
    still.warehouse("CREATE TABLE last AS SELECT generate_series(1, 700000) AS n")
    still.compose("kill", "postgres", "backup")
    still.compose("run", "--rm", "--no-deps", "-T", "database_restore", "sh", "-c", "rm -rf /var/lib/postgresql/data/pgdata")
    restore(still, "latest")
    assert still.warehouse("SELECT count(*) FROM last") == ["700000"]


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("yesterday", "restore: AT is set to 'yesterday', which is no time: write it as 2026-11-26 10:31:07, or latest\n"),
        ("2126-11-26 10:31:07", "restore: AT is set to '2126-11-26 10:31:07', which is in the future"),
    ],
)
def test_moment_that_cannot_be_stops_nothing(still: Stack, at: str, said: str) -> None:
    """A typing error must cost nothing."""
    before = still.compose("ps", "--quiet")
    refused = still.make("restore", f"AT={at}", "YES=1")
    assert refused.returncode == 2
    assert refused.stderr.startswith(said)
    assert still.compose("ps", "--quiet") == before


def test_moment_before_the_oldest_backup_replaces_nothing(still: Stack) -> None:
    """All is stopped then, and starts again with the same data."""
    kept = still.succeeds("letters_job").run_id
    refused = still.make("restore", "AT=2020-11-26 10:31:07", "YES=1")
    assert refused.returncode == 2
    assert re.match(r"restore: no backup is from before 2020-11-2\S+ \S+: the oldest ends at 20", refused.stderr)
    assert "\nNothing was replaced. `make up` starts all again.\n" in refused.stderr
    assert still.make("up").returncode == 0
    assert still.client.run(kept).status == "SUCCESS"


def test_wal_that_was_removed_before_it_was_received_is_followed_by_a_full_backup(still: Stack) -> None:
    """The service was stopped for long. Postgres removes WAL beyond a limit, because the disk would be full."""
    still.compose("stop", "backup")
    for _ in range(8):
        still.exec("postgres", "psql", "-qAtU", "postgres", "-c", "SELECT pg_switch_wal()", "-c", "CHECKPOINT")
        still.warehouse("CREATE TABLE filler AS SELECT generate_series(1, 100000) AS n")
        still.warehouse("DROP TABLE filler")
    lost = still.warehouse("SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'backup'")
    assert lost == ["lost"], WAL_KEEP
    began = datetime.now(UTC)
    still.compose("start", "backup")
    assert wait_for_work(still, "full", began)["said"].endswith(" is whole")
    assert "full: the stream of WAL begins anew" in still.compose("logs", "backup")


def test_damaged_backup_is_noticed_and_another_one_is_made(still: Stack) -> None:
    """A disk turns a bit of the full backup that the newest incremental one needs."""
    # The service's own first drill must not meet the damage too.
    wait_for_work(still, "drill", EVER)
    make_incremental(still)
    newest = f"$(ls -d {BASES}/*/data/global/pg_filenode.map | tail -n 2 | head -n 1)"
    damage = f"printf x | dd of={newest} bs=1 seek=100 conv=notrunc"
    still.exec("backup", "sh", "-c", damage)
    began = datetime.now(UTC)
    assert "global/pg_filenode.map" in program(still, "drill")()
    # The last full backup is as old as the service lets it be before it makes another one.
    assert wait_for_work(still, "full", began)["said"].endswith(" is whole")
    assert wait_for_work(still, "drill", began)["said"].endswith(" all indexes are whole")


def test_deployment_without_the_service_keeps_no_wal(still: Stack) -> None:
    """Nobody would take it, until the disk is full."""
    files = still.environ["COMPOSE_FILE"]
    still.environ["COMPOSE_FILE"] = files.replace(f":{BACKUP}", "")
    try:
        still.up("--remove-orphans")
        assert still.warehouse(SLOTS) == ["0"]
    finally:
        began = datetime.now(UTC)
        still.environ["COMPOSE_FILE"] = files
        still.up()
    assert wait_for_work(still, "full", began)["said"].endswith(" is whole")
