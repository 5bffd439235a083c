"""The service `maintenance` removes the output of runs that are gone, and nothing else."""

from __future__ import annotations

import os
import shutil
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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


@pytest.fixture
def runs(history: psycopg2.extensions.connection, instance: dg.DagsterInstance, migrated: dict[str, str]) -> tuple[str, str]:
    """Returns a run that ended a moment ago, and one that ended long ago."""
    young, old = (run.run_id for run in instance.get_runs(limit=2))
    with asking(migrated, "dagster", "dagster") as cursor:
        cursor.execute("UPDATE runs SET end_time = extract(epoch FROM now()) WHERE run_id = %s", (young,))
    return young, old


def test_logs_of_gone_and_old_runs_go_and_those_of_others_stay(
    history: psycopg2.extensions.connection, runs: tuple[str, str], tmp_path: Path
) -> None:
    """Files of a run that was started a moment ago must stay, although its row is not visible yet."""
    young, old = runs
    gone, new, tick = str(uuid.uuid4()), str(uuid.uuid4()), "shop"
    then = datetime.now(UTC).timestamp() - 100 * 86_400
    for name in (young, old, gone, new, tick):
        (tmp_path / name / "compute_logs").mkdir(parents=True)
        (tmp_path / name / "compute_logs/1.out").write_text("12345")
    (tmp_path / gone / "link").symlink_to(tmp_path / young)
    for name in (young, old, gone, tick):
        for path in (tmp_path / name / "compute_logs/1.out", tmp_path / name):
            os.utime(path, (then, then))
    for counts_only in (True, False):
        assert files.remove_of_runs(history, tmp_path, DAYS, counts_only=counts_only).count == 3
        assert files.remove_of_old_ticks(tmp_path, DAYS, counts_only=counts_only) == Removed(1, 5)
    assert {path.name for path in tmp_path.iterdir()} == {young, new, tick}
    assert (tmp_path / young / "compute_logs/1.out").read_text() == "12345"
    assert not (tmp_path / tick / "compute_logs/1.out").exists()


def test_file_that_cannot_be_removed_is_named_and_the_others_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """User code writes these folders, and may take away the right to remove one."""
    for name in "abc":
        (tmp_path / name).mkdir()
    remove = shutil.rmtree

    def refusing(path: Path) -> None:
        if path.name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", refusing)
    with pytest.raises(OSError, match=r"1 cannot be removed, the first one: .*Permission denied"):
        files.remove([tmp_path / "a", tmp_path / "gone", tmp_path / "b", tmp_path / "c"], counts_only=False)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_stored_outputs_of_gone_runs_and_logs_of_old_ones_go(
    history: psycopg2.extensions.connection, runs: tuple[str, str], migrated: dict[str, str]
) -> None:
    """With OUTPUT_STORE=postgres. A value of an asset belongs to no run, and stays. A value of an old run may be read again."""
    young, old = runs
    gone = str(uuid.uuid4())
    keys = [
        f"log\n{gone}\ncompute_logs\nx\nerr",
        f"value\nruns/{gone}/x/result=value",
        f"log\n{old}\nx\nerr",
        f"log\n{young}\nx\nerr",
        f"value\nruns/{old}/x/result=value",
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
    assert (
        files.remove_stored(history, DAYS, counts_only=True)
        == files.remove_stored(history, DAYS, counts_only=False)
        == Removed(3, 9)
    )
    assert sorted(rows(history, "SELECT key FROM outputs.part")) == sorted(keys[3:])


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
