"""The service `maintenance` removes the output of runs that are gone, and nothing else."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_services.maintenance import files
from dagster_services.maintenance.once import work
from dagster_services.maintenance.parts import Removed
from dagster_services.maintenance.settings import Settings
from dagster_services.maintenance.sweeps import SWEEPS
from tests.integration.databases import answers, asking
from tests.integration.maintenance.conftest import DAYS, rows

if TYPE_CHECKING:
    import dagster as dg
    import psycopg2.extensions


def test_output_of_gone_runs_goes_and_that_of_others_stays(
    history: psycopg2.extensions.connection, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Files of a run that was started a moment ago must stay, although its row is not visible yet."""
    [run] = instance.get_runs(limit=1)
    gone, new, tick = str(uuid.uuid4()), str(uuid.uuid4()), "shop"
    old = datetime.now(UTC).timestamp() - 100 * 86_400
    for name in (run.run_id, gone, new, tick):
        (tmp_path / name / "compute_logs").mkdir(parents=True)
        (tmp_path / name / "compute_logs/1.out").write_text("12345")
        for path in (tmp_path / name / "compute_logs/1.out", tmp_path / name):
            os.utime(path, None if name == new else (old, old))
    (tmp_path / gone / "link").symlink_to(tmp_path / run.run_id)
    os.utime(tmp_path / gone, (old, old))
    for counts_only in (True, False):
        removed = files.remove_of_gone_runs(history, tmp_path, counts_only=counts_only)
        assert removed.count == 2
        ticks = files.remove_of_old_ticks(tmp_path, DAYS, counts_only=counts_only)
        assert ticks == Removed(1, 5)
    assert {path.name for path in tmp_path.iterdir()} == {run.run_id, new, tick}
    assert (tmp_path / run.run_id / "compute_logs/1.out").read_text() == "12345"
    assert not (tmp_path / tick / "compute_logs/1.out").exists()


def test_stored_outputs_of_gone_runs_go(
    history: psycopg2.extensions.connection, instance: dg.DagsterInstance, migrated: dict[str, str]
) -> None:
    """With OUTPUT_STORE=postgres. A value of an asset belongs to no run, and stays."""
    [run] = instance.get_runs(limit=1)
    gone = str(uuid.uuid4())
    keys = [
        f"log\n{gone}\ncompute_logs\nx\nerr",
        f"value\nruns/{gone}/x/result=value",
        f"log\n{run.run_id}\nx\nerr",
        "value\nassets/x=value",
    ]
    with asking(migrated, "dagster", "dagster") as cursor:
        cursor.execute("TRUNCATE outputs.part")
        for key in keys:
            cursor.execute(
                "INSERT INTO outputs.part (key, location, at, data, written)"
                " VALUES (%s, 'outputs_shop', 0, 'abc', now() - interval '2 days')",
                (key,),
            )
    assert files.remove_stored(history, counts_only=True) == files.remove_stored(history, counts_only=False) == Removed(2, 6)
    assert sorted(rows(history, "SELECT key FROM outputs.part")) == sorted(keys[2:])


def test_role_of_maintenance_cannot_do_anything_else(history: psycopg2.extensions.connection, migrated: dict[str, str]) -> None:
    """A fault in it must not change a run, a schedule, or another location's output."""
    with asking(migrated, "dagster_maintenance", "dagster") as cursor:
        refused = (
            "UPDATE runs SET status = 'SUCCESS'",
            "INSERT INTO runs (run_id) VALUES ('x')",
            "UPDATE event_logs SET event = ''",
            "UPDATE instigators SET status = 'RUNNING'",
            "DELETE FROM instigators",
            "DELETE FROM asset_keys",
            "DELETE FROM kvs",
            "UPDATE outputs.part SET data = ''",
            "TRUNCATE event_logs",
            "CREATE TABLE public.x ()",
        )
        assert answers(cursor, *refused) == ["42501"] * len(refused)


def test_all_work_is_named_once(history: psycopg2.extensions.connection) -> None:
    """The names are those of the figures in the UI."""
    names = [name for name, _ in work(history, Settings(DAYS, "15 2 * * *"), {"DOCKER_HOST": "x"}, counts_only=True)]
    assert names == [*(sweep.table for sweep in SWEEPS), "snapshots", "stored_outputs", "run_logs", "tick_logs", "containers"]
