"""An operator types the targets of the Makefile, and the commands of the README."""

from __future__ import annotations

import json
import subprocess

import pytest

from bench.__main__ import bench, chosen_jobs
from dagster_api.loading import wait_until_loaded
from dagster_api.waiting import seen, wait_for
from operate.compose import ROOT
from operate.containers import code_server_start
from tests.stack.conftest import Stack

ROWS = "SELECT count(*) FROM letters"
pytestmark = pytest.mark.timeout(700)


def check_results(output: str) -> list[str]:
    """Returns PASS or FAIL and the name of each check of `make smoke`."""
    return [line.split(":")[0] for line in output.splitlines() if line.startswith(("PASS", "FAIL"))]


def test_smoke_reports_each_check_and_fails_if_a_job_fails(still: Stack) -> None:
    """Stopped schedules are no fault, so `make smoke` only lists them."""
    still.mark("fail", on=True)
    sick = still.make("smoke")
    assert sick.returncode != 0
    assert check_results(sick.stdout) == [
        "PASS services are healthy",
        "PASS UI answers",
        "PASS code location user_code",
        "FAIL letters_job succeeds",
        "FAIL quick_job succeeds",
    ]
    assert ": off: letters_schedule, milking_schedule, quick_schedule, slow_schedule, slow_sensor\n" in sick.stdout
    still.mark("fail", on=False)
    still.schedules(running=True)
    well = still.make("smoke")
    assert well.returncode == 0, well.stdout
    assert {line.split()[0] for line in check_results(well.stdout)} == {"PASS"}


def test_make_up_changes_nothing_if_the_deployment_already_runs(still: Stack) -> None:
    """An operator may repeat the command. It must print the address of the UI."""
    before = still.compose("ps", "--quiet")
    again = still.make("up")
    assert again.returncode == 0, again.stderr
    assert again.stdout == f"Dagster runs: http://localhost:{still.port}\n"
    assert still.compose("ps", "--quiet") == before


def test_webserver_does_not_start_on_a_public_address(still: Stack) -> None:
    """The webserver has no login, so every host in the network could use it."""
    command = ["docker", "compose", "run", "--rm", "--no-deps", "--no-TTY", "webserver"]
    environ = {**still.environ, "WEBSERVER_BIND": "0.0.0.0"}  # noqa: S104 - rejected
    refused = subprocess.run(command, cwd=ROOT, env=environ, text=True, capture_output=True, check=False)
    assert refused.returncode == 1
    assert "WEBSERVER_BIND is set to '0.0.0.0', which is not allowed: the webserver has no login" in refused.stderr


CODE_SERVER = """
import os
from dagster._grpc.client import DagsterGrpcClient
print(DagsterGrpcClient(4000, host=os.environ["LISTEN_ON"]).get_server_id())
"""
KNOWN_SERVER = """{ entry: workspaceLocationEntryOrError(name: "user_code") {
  ... on WorkspaceLocationEntry { versionKey } } }"""


def test_wait_until_loaded_waits_for_the_new_code_server(still: Stack) -> None:
    """A command after `make up` must use the new code. The webserver is paused while the code server is replaced."""
    still.compose("pause", "webserver")
    try:
        still.compose("up", "--detach", "--wait", "--no-deps", "--force-recreate", "user_code")
    finally:
        still.compose("unpause", "webserver")
    wait_until_loaded(still.client, since=code_server_start(still.project, "user_code"))
    known = still.client.query(KNOWN_SERVER)["entry"]["versionKey"]
    assert json.loads(known)[0] == still.exec("user_code", "python", "-c", CODE_SERVER).strip()


def test_bench_measures_each_job_and_the_rate_of_runs(still: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """The test launches few runs. `make bench` launches enough runs for its figures."""
    jobs = chosen_jobs(still.client.url, [])
    seconds, rate = bench(still.client.url, "a copy", jobs, ("quick_job",), repeats=1, count=2)
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said[2:4]] == jobs == ["letters_job", "quick_job"]
    assert said[2].split()[5] == f"{seconds:.2f}"
    assert said[4].split()[:9] == ["2", "of", "quick_job", "at", "once,", "runs", "a", "minute", f"{rate:.1f}"]
    assert said[4].endswith(" s of CPU a run")


def test_make_down_stops_started_runs_and_keeps_queued_runs_history_and_passwords(still: Stack) -> None:
    """Two of five runs are queued. They must start after the next `make up`, and each started run must end.

    An operator who stops the deployment must lose no data, and the next run must work.
    """
    before, rows = still.succeeds("warehouse_job"), still.warehouse(ROWS)
    still.mark("hold", on=True)
    ids = [still.client.launch("held_job") for _ in range(5)]

    def under_way() -> bool:
        runs = still.client.runs(runIds=ids, statuses=["STARTED"])
        return seen(len(runs) == 3, [run_.status for run_ in runs])

    wait_for("three runs under way, two queued", under_way, seconds=60)
    stopped = still.make("down")
    assert stopped.returncode == 0, stopped.stderr
    # Those in a worker end with it.
    in_containers = still.environ.get("RUN_ISOLATION", "container") == "container"
    assert ("down: stopping 3 run(s)" in stopped.stderr) == in_containers
    still.up()
    still.mark("hold", on=False)
    ended = [still.client.wait(run_id, seconds=120) for run_id in ids]
    assert [run_.status for run_ in ended][3:] == ["SUCCESS", "SUCCESS"]
    assert still.client.run(before.run_id).status == "SUCCESS"
    assert still.warehouse(ROWS) == rows
    still.quiet()
    still.succeeds("warehouse_job")
    assert still.warehouse(ROWS) == [str(int(rows[0]) + 1)]


def test_preflight_maintenance_user_and_destroy_change_nothing_here(still: Stack) -> None:
    """Nothing is a day old, and nobody confirms `destroy`. The deployment must still work."""
    assert still.make("preflight").stdout == "preflight: engine, Compose, memory, disk, port, networks and data are fine\n"
    assert still.make("maintenance").stdout.startswith("maintenance: removed nothing in ")
    assert still.make("user", "NAME=anna", "ROLE=viewer").stderr.startswith("user: this deployment keeps no users")
    kept = still.make("destroy")
    assert kept.returncode != 0
    assert "destroy: nothing was removed" in kept.stderr
    assert still.client.run(still.succeeds("quick_job").run_id).status == "SUCCESS"


def test_make_secret_stores_a_secret_that_only_user_code_can_read(still: Stack) -> None:
    """Code server and runs read the same volume. A command without standard input must remove the secret."""
    secret = "key-of-the-shop-5"
    kept = still.make("secret", "NAME=shop_api_key", text=secret)
    assert (kept.returncode, kept.stdout) == (0, "secret: user code reads it as /run/secrets/shop_api_key\n"), kept.stderr
    read = ("user_code", "stat", "--format=%a %u", "/run/secrets/shop_api_key")
    assert still.exec(*read) == "600 10001\n"
    assert still.exec("user_code", "cat", "/run/secrets/shop_api_key") == secret
    assert still.make("secret", "NAME=shop_api_key").stdout == "secret: there is no shop_api_key any more\n"
    assert "No such file or directory" in still.exec_refused(*read)
    refused = still.make("secret", "NAME=pgpass", text=secret)
    assert (refused.returncode != 0, "the name 'pgpass' is not allowed" in refused.stderr) == (True, True)
    still.succeeds("quick_job")
