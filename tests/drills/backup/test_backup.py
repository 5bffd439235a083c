"""A backup is made while a run is in progress. The deployment is destroyed and restored, and is what it was."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from dagster_api.schedules_and_sensors import schedule
from operate.archive import read
from operate.compose import ROOT, run
from operate.volumes import kept
from tests.stack.conftest import Stack
from tests.stack.runs import held_run, wait_until_begun

pytestmark = pytest.mark.timeout(900)
# Each table's rows as one hash, whatever their order.
ROWS = "SELECT md5(string_agg(md5(t::text), chr(32) ORDER BY md5(t::text))) AS h FROM %I.%I t"
HASH = f"""SELECT format('%I.%I', nspname, relname),
(xpath('/row/h/text()', query_to_xml(format('{ROWS}', nspname, relname), false, true, '')))[1]
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND nspname !~ '^(pg_|information_schema$)'"""
# The restore fails the run that was in progress. The daemon and `migrate` write as at each start. The states of schedules are
# compared as the API shows them.
CHANGES = {"runs", "event_logs", "run_tags", "concurrency_slots", "pending_steps", "daemon_heartbeats", "instance_info", "kvs"}
CHANGES |= {"instigators", "jobs", "job_ticks"}
SELECTOR = '{repositoryName: "__repository__", repositoryLocationName: "user_code"}'
ASKED = f"""{{assetNodes {{assetKey {{path}} assetMaterializations(limit: 5) {{runId timestamp}}}}
schedulesOrError(repositorySelector: {SELECTOR}) {{... on Schedules {{results {{name scheduleState {{status}}}}}}}}
sensorsOrError(repositorySelector: {SELECTOR}) {{... on Sensors {{results {{name sensorState {{status}}}}}}}}}}"""


def hashes(stack: Stack, database: str) -> dict[str, str]:
    """Returns the hash of each table of a database."""
    psql = ("exec", "-T", "postgres", "psql", "--username=postgres", f"--dbname={database}", "--no-align", "--tuples-only")
    return dict(row.split("|") for row in stack.compose(*psql, "--command", HASH).splitlines())


def files(stack: Stack) -> dict[str, str]:
    """Returns the hashes of the files in each volume that a backup holds."""
    deployment = json.loads(stack.compose("config", "--format", "json"))
    listing = "cd /volume && find . -printf '%p %U %m %l\\n' | sort && find . -type f -exec sha256sum {} + | sort -k2"
    command = ["docker", "run", "--rm", "--network=none", "--user=0:0"]
    look = [deployment["services"]["secrets"]["image"], "sh", "-c", listing]
    volumes = kept(deployment).items()
    return {key: run([*command, f"--volume={name}:/volume:ro", *look], capture=True) for key, name in volumes}


def put_odd_things_into_the_warehouse(stack: Stack) -> None:
    """Makes what a dump may stumble over: a constraint that calls a function, a view, an index on an expression."""
    for statement in ODD:
        stack.warehouse(statement)


ODD = (
    "CREATE SCHEMA IF NOT EXISTS odd",
    "CREATE OR REPLACE FUNCTION odd.positive(n int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n > 0'",
    "CREATE TABLE IF NOT EXISTS odd.numbers (n int CHECK (odd.positive(n)), PRIMARY KEY (n))",
    "CREATE INDEX IF NOT EXISTS doubled ON odd.numbers ((n * 2)) WHERE odd.positive(n)",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS odd.seen AS SELECT n FROM odd.numbers",
    "COMMENT ON TABLE odd.numbers IS 'of dbt'",
    "INSERT INTO odd.numbers SELECT generate_series(1, 1000) ON CONFLICT DO NOTHING",
)


def test_deployment_is_what_it_was_after_a_restore(still: Stack) -> None:
    """It is restored over newer data, and then on a new machine. The run that was in progress is failed, and says why."""
    still.succeeds("letters_job")
    put_odd_things_into_the_warehouse(still)
    schedule(still.client, "slow_schedule").turn(on=True)
    busy = held_run(still)
    wait_until_begun(still, busy)
    # It would write between the backup and the look at it.
    still.compose("stop", "daemon")
    answers = still.client.query(ASKED)
    made = still.make("backup")
    assert made.returncode == 0, made.stderr
    file = ROOT / made.stdout.split()[1]
    before, data = {name: hashes(still, name) for name in ("dagster", "warehouse")}, files(still)
    assert "odd.numbers" in before["warehouse"]
    assert all(data[key] for key in ("secrets_code", "secrets_postgres", "compute_logs", "op_outputs"))
    still.warehouse("DROP SCHEMA odd CASCADE")
    try:
        restored = still.make("restore", f"FILE={file}", "YES=1")
        assert restored.returncode == 0, restored.stderr
        safe = Path(restored.stderr.partition("what was here is in ")[2].split()[0])
        assert read(safe).names("databases") == ["dagster.dump", "warehouse.dump"]
        safe.unlink()
        check(still, before, data, busy)
        still.remove()
        restored = still.make("restore", f"FILE={file}", "SAFETY=0")
        assert restored.returncode == 0, restored.stderr
    finally:
        file.unlink()
    assert "restore: 1 runs were in progress then, and are failed" in restored.stderr
    check(still, before, data, busy)
    assert still.client.query(ASKED) == answers
    still.mark("hold", on=False)
    still.succeeds("letters_job")


def check(stack: Stack, before: dict[str, dict[str, str]], data: dict[str, str], busy: str) -> None:
    """Checks that tables and files are as before, but for the run that was in progress."""
    after = {name: hashes(stack, name) for name in before}
    assert after["warehouse"] == before["warehouse"]
    assert after["dagster"].keys() == before["dagster"].keys()
    changed = {name for name, value in after["dagster"].items() if before["dagster"][name] != value}
    assert changed <= {f"public.{name}" for name in CHANGES}
    assert files(stack) == data
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
        assert still.compose("exec", "-T", "webserver", *find).split() != []
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
        asked = still.make("restore", f"FILE={file}")
        assert asked.returncode == 2
        assert "restore: nothing was changed" in asked.stderr
    finally:
        file.unlink()
    assert still.compose("ps", "--quiet") == before
