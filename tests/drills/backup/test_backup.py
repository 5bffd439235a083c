"""A backup is made while a run is in progress. The deployment is destroyed and restored, and is what it was."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from dagster_api.runs import Run
from dagster_api.schedules_and_sensors import schedule
from dagster_api.waiting import seen, wait_for
from operate import database_move
from operate.archive import read
from operate.compose import ROOT
from tests.drills.comparing import ASKED, PSQL, files, hashes, put_odd_things_into_the_warehouse
from tests.keys import new_key, public
from tests.stack.conftest import Stack
from tests.stack.runs import held_run, wait_until_begun

pytestmark = pytest.mark.timeout(900)
# The restore fails the run that was in progress. The daemon and `migrate` write as at each start. The states of schedules are
# compared as the API shows them.
CHANGES = {"runs", "event_logs", "run_tags", "concurrency_slots", "pending_steps", "daemon_heartbeats", "instance_info", "kvs"}
CHANGES |= {"instigators", "jobs", "job_ticks"}


def test_deployment_is_what_it_was_after_a_restore(still: Stack, age: None, tmp_path: Path) -> None:
    """It is restored over newer data, and then on a new machine, under another name.

    The run that was in progress is failed, and says why.
    """
    # Every asset has its row then. The daemon would add those that are missing, when it first looks at freshness.
    for job in ("letters_job", "milk_job"):
        still.succeeds(job)
    put_odd_things_into_the_warehouse(still.compose)
    schedule(still.client, "slow_schedule").turn(on=True)
    busy = held_run(still)
    wait_until_begun(still, busy)
    # It would write between the backup and the look at it.
    still.compose("stop", "daemon")
    answers = still.client.query(ASKED)
    key = new_key(tmp_path / "key.txt")
    file = encrypted_backup(still, public(key))
    before, data = {name: hashes(still.compose, name) for name in ("dagster", "warehouse")}, files(still.compose)
    assert "odd.numbers" in before["warehouse"]
    assert all(data[key] for key in ("secrets_code", "secrets_postgres", "compute_logs", "op_outputs"))
    still.warehouse("DROP SCHEMA odd CASCADE")
    try:
        restored = still.make("restore", f"FILE={file}", f"IDENTITY={key}", "YES=1")
        assert restored.returncode == 0, restored.stderr
        safe = Path(restored.stderr.partition("what was here is in ")[2].split()[0])
        assert read(safe).names("databases") == ["dagster.dump", "warehouse.dump"]
        safe.unlink()
        check(still, before, data, busy)
        still.remove()
        rename(still)
        restored = still.make("restore", f"FILE={file}", f"IDENTITY={key}", "SAFETY=0")
        assert restored.returncode == 0, restored.stderr
    finally:
        file.unlink()
    assert "restore: 1 runs were in progress then, and are failed" in restored.stderr
    check(still, before, data, busy)
    assert still.client.query(ASKED) == answers
    still.mark("hold", on=False)
    assert still.client.wait(still.client.reexecute(busy)).status == "SUCCESS"
    check_next_tick(still)


def encrypted_backup(stack: Stack, recipient: str) -> Path:
    """Returns the path of a backup that only the owner of a key can read."""
    made = stack.make("backup", f"BACKUP_RECIPIENT={recipient}")
    assert made.returncode == 0, made.stderr
    assert made.stdout.endswith("It is encrypted.\n")
    return ROOT / made.stdout.split()[1]


def rename(stack: Stack) -> None:
    """Gives the copy another name, as on another machine. A test that was killed may have left something of that name."""
    stack.project += "_moved"
    stack.environ["COMPOSE_PROJECT_NAME"] = stack.project
    stack.remove()


def check_next_tick(stack: Stack) -> None:
    """Checks that the daemon of the restored deployment ticks, and that the run succeeds."""
    schedule(stack.client, "quick_schedule").turn(on=True)
    tag = {"key": "dagster/schedule_name", "value": "quick_schedule"}

    def ticked() -> list[Run]:
        return seen(stack.client.runs(statuses=["SUCCESS"], tags=[tag]) or None, "no run of the schedule")

    wait_for("the next tick", ticked, seconds=120, every=1)
    schedule(stack.client, "quick_schedule").turn(on=False)


def check(stack: Stack, before: dict[str, dict[str, str]], data: dict[str, str], busy: str) -> None:
    """Checks that tables and files are as before, but for the run that was in progress."""
    after = {name: hashes(stack.compose, name) for name in before}
    assert after["warehouse"] == before["warehouse"]
    assert after["dagster"].keys() == before["dagster"].keys()
    changed = {name for name, value in after["dagster"].items() if before["dagster"][name] != value}
    assert changed <= {f"public.{name}" for name in CHANGES}
    assert files(stack.compose) == data
    assert stack.warehouse("SELECT obj_description('odd.numbers'::regclass)") == ["of dbt"]
    assert stack.client.run(busy).status == "FAILURE"
    assert "was in progress at the moment to which" in stack.client.story(busy)


def test_deleted_output_of_a_run_comes_back_alone(still: Stack) -> None:
    """A restore of everything would cost the runs since. The command is that of the manual."""
    run_id = still.succeeds("quick_job").run_id
    before = still.client.output(run_id)
    made = still.make("backup")
    file = made.stdout.split()[1]
    ((command,),) = [re.findall(r"```sh\n(tar -xOf backups[^`]*)```", (ROOT / "docs/operating.md").read_text())]
    try:
        find = ("find", "/var/lib/dagster/compute_logs", "-path", f"*{run_id}*", "-type", "f", "-print", "-delete")
        assert still.exec("webserver", *find).split() != []
        assert still.client.output(run_id) != before
        typed = command.replace("backups/NAME.tar", file).replace("RUN_ID", run_id)
        subprocess.run(["bash", "-ec", typed], cwd=ROOT, env=still.environ, check=True, capture_output=True)
    finally:
        (ROOT / file).unlink()
    assert still.client.output(run_id) == before


def test_backup_lists_each_member_and_a_restore_asks_first(still: Stack) -> None:
    """Somebody types the name of a file by accident. Without a terminal the answer is no."""
    made = still.make("backup")
    assert made.returncode == 0, made.stderr
    file = ROOT / made.stdout.split()[1]
    before = still.compose("ps", "--quiet")
    try:
        with tarfile.open(file) as tar:
            manifest = read(file).manifest
            assert {*manifest["members"], "manifest.json"} == set(tar.getnames())
        assert (manifest["project"], manifest["postgres_major"]) == (still.project, 17)
        runs = still.client.query("{runsOrError {... on Runs {count}}}")["runsOrError"]["count"]
        assert manifest["rows"]["dagster"]["public.runs"] == runs > 0
        asked = still.make("restore", f"FILE={file}")
        assert asked.returncode == 2
        assert "restore: nothing was changed" in asked.stderr
    finally:
        file.unlink()
    assert still.compose("ps", "--quiet") == before


def test_indexes_are_built_again_where_another_library_sorts_text(still: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image of another Debian sorts text in another way. A lookup by an old index would miss rows."""
    admin = (*PSQL, "--username=postgres", "--no-align", "--tuples-only")
    still.compose(
        *admin, "--dbname=postgres", "--command", "CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'"
    )
    try:
        still.compose(
            *admin,
            "--dbname=sorted",
            "--command",
            "CREATE TABLE words (word text PRIMARY KEY); ALTER TABLE words OWNER TO warehouse",
        )
        still.compose(
            *admin, "--dbname=postgres", "--command", "UPDATE pg_database SET datcollversion = '1' WHERE datname = 'sorted'"
        )
        file = (*admin, "--dbname=sorted", "--command", "SELECT pg_relation_filenode('words_pkey')")
        before = still.compose(*file)
        for name, value in still.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(database_move, "NAMES", "sorted")
        database_move.refresh_indexes()
        assert still.compose(*file) != before
        wrong = database_move.OTHER_LIBRARY.format("sorted")
        assert still.compose(*admin, "--dbname=postgres", "--command", wrong).strip() == ""
    finally:
        still.compose(*admin, "--dbname=postgres", "--command", "DROP DATABASE sorted")
