"""`make upgrade` brings a release with history to this one. Where that fails, everything is as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagster_api.waiting import seen, wait_for
from operate.env_file import settings
from operate.recorded import locked_dagster
from operate.volumes import kept
from tests.demo.drills.history import make_history
from tests.demo.drills.upgrade.conftest import OLD_DAGSTER, PROJECT, make_newer, make_older, postgres
from tests.drills.comparing import ASKED, PSQL, files_of, hashes
from tests.locations.house import House
from tests.selector import LOCATION

pytestmark = pytest.mark.timeout(900)
# Daemon and `migrate` write to these at each start. The daemon adds an event when an asset becomes stale.
CHANGES = {"daemon_heartbeats", "instance_info", "kvs", "instigators", "jobs", "job_ticks", "event_logs", "asset_keys"}
# Rows that an upgrade must keep, whatever columns it adds.
LASTING = {
    "runs": "SELECT md5(string_agg(run_id || status || run_body, '' ORDER BY id)) FROM runs WHERE id <= {runs}",
    "event_logs": "SELECT md5(string_agg(event, '' ORDER BY id)) FROM event_logs WHERE id <= {event_logs}",
}
MIGRATE = "docker/dagster/src/dagster_services/database/migrate.py"
WEBSERVER = "docker/dagster/src/dagster_services/webserver/start.py"
HALF_WAY = """    connection.cursor().execute("DROP TABLE runs CASCADE; DELETE FROM event_logs")
    connection.commit()
    raise RuntimeError("the disk of migrations is full")
"""


@dataclass(frozen=True)
class Past:
    """Describes what the older release was and had."""

    images: dict[str, str]
    last: dict[str, str]
    rows: dict[str, str]
    tables: dict[str, dict[str, str]]
    files: dict[str, str]
    volumes: dict[str, str]
    answers: dict[str, Any]
    settings: dict[str, str]


def images(house: House) -> dict[str, str]:
    """Returns the image of each running service."""
    listing = ["docker", "ps", "--quiet", f"--filter=label=com.docker.compose.project={PROJECT}"]
    ids = subprocess.run(listing, text=True, capture_output=True, check=True).stdout.split()
    found = json.loads(subprocess.run(["docker", "inspect", *ids], text=True, capture_output=True, check=True).stdout)
    return {each["Config"]["Labels"]["com.docker.compose.service"]: each["Image"] for each in found}


def tables(house: House) -> dict[str, dict[str, str]]:
    """Returns the hashes of all tables but those that change at each start."""
    found = {name: hashes(compose_of(house), name) for name in ("dagster", "warehouse")}
    return {
        name: {table: of for table, of in each.items() if table.removeprefix("public.") not in CHANGES}
        for name, each in found.items()
    }


def compose_of(house: House) -> Callable[..., str]:
    """Returns a function that runs `docker compose`, with the release that runs and not with that of the checkout."""
    file = str(house.folder / f".releases/{PROJECT}.running/compose.json")

    def compose(*arguments: str) -> str:
        command = ["docker", "compose", "--file", file, *arguments]
        return subprocess.run(command, cwd=house.folder, env=house.environ, text=True, capture_output=True, check=True).stdout

    return compose


@pytest.fixture(scope="module")
def past(house: House) -> Past:
    """Makes history of every kind with the older release; returns it."""
    client = house.client(LOCATION)
    make_history(house)
    deployment = json.loads(house.compose("config", "--format", "json"))
    volumes = kept(deployment)
    compose = compose_of(house)
    last = {name: ask(compose, f"SELECT max(id) FROM {name}") for name in LASTING}
    past = Past(
        images(house),
        last,
        rows(compose, last),
        tables(house),
        files_of(volumes, deployment["services"]["secrets"]["image"]),
        volumes,
        client.query(ASKED),
        {**settings(house.folder / ".env"), "POSTGRES_IMAGE": postgres()},
    )
    assert {"odd", "assets", "jobs"} <= {name.partition(".")[0] for name in past.tables["warehouse"]}
    return past


@pytest.fixture
def newer(house: House, past: Past) -> House:
    """Returns the copy with the files of this release."""
    make_newer(house.folder)
    return house


def upgrade(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the verb."""
    return house.make("upgrade", *arguments)


def check_unchanged(house: House, past: Past) -> None:
    """Checks that the older release runs, with all that it had."""
    assert images(house) == past.images
    assert tables(house) == past.tables
    assert rows(compose_of(house), past.last) == past.rows
    assert files_of(past.volumes, past.images["webserver"]) == past.files
    assert house.client(LOCATION).query(ASKED) == past.answers
    assert settings(house.folder / ".env") == past.settings
    left = subprocess.run(["docker", "volume", "ls", "--quiet"], text=True, capture_output=True, check=True).stdout.split()
    assert [name for name in left if name.startswith(PROJECT) and ("former" in name or "library" in name)] == []
    assert not (house.folder / f".releases/{PROJECT}.former").exists()


def check_mounts(house: House) -> None:
    """Checks that containers still find the files that they mount, and that a run can be launched."""
    compose_of(house)("restart", "webserver", "launch_gateway")
    compose_of(house)("up", "--detach", "--wait", "--no-build")
    client = house.client(LOCATION)
    assert client.wait(client.launch("data_extraction_job")).status == "SUCCESS"


def test_make_up_does_not_upgrade(newer: House, past: Past) -> None:
    """Somebody types the usual command after `git pull`. Dagster's tables would change without a way back."""
    refused = newer.make("up")
    assert refused.returncode != 0
    said = f"up: Dagster {OLD_DAGSTER} runs here, and this release has {locked_dagster()}: `make upgrade` keeps a backup"
    assert refused.stderr.splitlines()[0].startswith(said)
    check_unchanged(newer, past)


def test_release_that_cannot_be_built_stops_nothing(newer: House, past: Past) -> None:
    """The older release must serve on: images are built while it runs."""
    before = compose_of(newer)("ps", "--quiet").split()
    file = newer.folder / "docker/dagster/Dockerfile"
    file.write_text(file.read_text().replace("\nWORKDIR", '\nRUN echo "there is no package of that name" && false\nWORKDIR'))
    refused = upgrade(newer)
    assert refused.returncode != 0
    assert "upgrade: nothing was stopped or changed. The reason: " in refused.stderr
    assert "there is no package of that name" in refused.stderr
    assert sorted(compose_of(newer)("ps", "--quiet").split()) == sorted(before)
    check_unchanged(newer, past)


def test_migration_that_fails_half_way_is_undone(newer: House, past: Past) -> None:
    """It has removed a table and emptied another one. Volumes and databases come back."""
    file = newer.folder / MIGRATE
    file.write_text(file.read_text().replace("    run_grants.grant(connection)\n", HALF_WAY))
    refused = upgrade(newer)
    assert refused.returncode != 0
    assert reason(refused) == "migrate has ended with 1: RuntimeError: the disk of migrations is full"
    check_unchanged(newer, past)


def reason(refused: subprocess.CompletedProcess[str]) -> str:
    """Returns the last line of the verb, without what it begins with."""
    lines = [line for line in refused.stderr.splitlines() if not line.startswith("make")]
    return lines[-1].partition("The reason: ")[2] or lines[-1]


def break_webserver(house: House) -> None:
    """Makes the image of the webserver one that does not start."""
    file = house.folder / WEBSERVER
    file.write_text(f"{file.read_text()}\n".replace("def main(", 'raise SystemExit("a library is missing")\n\n\ndef main(', 1))


def test_image_that_does_not_start_is_taken_back(newer: House, past: Past) -> None:
    """The tables are migrated then, and Postgres 17 has the data. The older release does not understand either."""
    break_webserver(newer)
    refused = upgrade(newer)
    assert refused.returncode != 0
    assert "webserver" in reason(refused)
    assert "a library is missing" in reason(refused)
    check_unchanged(newer, past)


def test_upgrade_that_was_killed_goes_back_with_one_command(newer: House, past: Past) -> None:
    """The power fails in the middle. Nothing may start on what is left."""
    break_webserver(newer)
    mark = newer.folder / f".releases/{PROJECT}.unfinished"
    command = ["make", "--no-print-directory", "upgrade"]
    with subprocess.Popen(
        command, cwd=newer.folder, env=newer.environ, stderr=subprocess.DEVNULL, start_new_session=True
    ) as going:
        wait_for("the middle of the upgrade", lambda: seen(mark.exists(), "it has not begun"), seconds=300)
        os.killpg(going.pid, signal.SIGKILL)
    refused = newer.make("up")
    assert refused.returncode != 0
    said = f"The upgrade of '{PROJECT}' has not ended. `make upgrade BACK=1` brings the former release and its data back."
    assert said in refused.stderr
    assert "upgrade: the former release runs again" in newer.made("upgrade", "BACK=1")
    check_unchanged(newer, past)
    assert "no upgrade has broken off, so there is nothing to go back to" in newer.make("upgrade", "BACK=1").stderr
    check_mounts(newer)


def test_upgrade_keeps_all_data_and_the_queue(newer: House, past: Past) -> None:
    """A run that waits in the queue is executed by the new release."""
    client = newer.client(LOCATION)
    compose = compose_of(newer)
    compose("stop", "daemon")
    waiting = client.launch("data_extraction_job")
    done = upgrade(newer)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert done.stdout.splitlines()[-1] == f"upgrade: this release runs, with Dagster {locked_dagster()}"
    assert client.wait(waiting).status == "SUCCESS"
    assert rows(newer.compose, past.last) == past.rows
    assert ask(newer.compose, "SHOW server_version_num").startswith("17")
    check_warehouse(newer, past)
    check_names(newer, past)
    assert client.query(ASKED)["schedulesOrError"] == past.answers["schedulesOrError"]
    failed = client.runs(limit=1)[0].run_id
    assert client.wait(client.reexecute(failed, "ALL_STEPS")).status == "SUCCESS"


def test_wrong_release_that_is_noticed_later_is_replaced_by_the_former_one(newer: House, past: Past) -> None:
    """Somebody misses something a week later. The backup of the upgrade brings everything back, into the former Postgres."""
    file = min((newer.folder / "backups").glob("*.tar"), key=lambda path: path.stat().st_mtime)
    make_older(newer.folder)
    assert "Dagster runs: " in newer.made("restore", f"FILE={file}", "SAFETY=0", "YES=1")
    assert rows(newer.compose, past.last) == past.rows
    assert hashes(newer.compose, "warehouse") == past.tables["warehouse"]
    assert newer.client(LOCATION).query(ASKED) == past.answers


def ask(compose: Callable[..., str], query: str) -> str:
    """Returns the answer of Dagster's database."""
    return compose(*PSQL, "--username=dagster", "--dbname=dagster", "--no-align", "--tuples-only", "--command", query).strip()


def rows(compose: Callable[..., str], last: dict[str, str]) -> dict[str, str]:
    """Returns the hashes of the rows up to these ids."""
    return {name: ask(compose, query.format(**last)) for name, query in LASTING.items()}


def check_warehouse(house: House, past: Past) -> None:
    """Checks tables that no run has written since."""
    now = hashes(house.compose, "warehouse")
    assert {name: now[name] for name in now if name.startswith("odd.")} == {
        name: of for name, of in past.tables["warehouse"].items() if name.startswith("odd.")
    }
    assert now.keys() == past.tables["warehouse"].keys()


def check_names(house: House, past: Past) -> None:
    """Checks that the renamed service has the data of the old one."""
    assert "archive" not in images(house)
    renamed = files_of({"archive_data": f"{PROJECT}_library_data"}, images(house)["webserver"])
    assert renamed["archive_data"] == past.files["archive_data"]
    left = subprocess.run(["docker", "volume", "ls", "--quiet"], text=True, capture_output=True, check=True).stdout.split()
    assert [name for name in left if name.startswith(PROJECT) and "former" in name] == []
    assert not Path(house.folder / f".releases/{PROJECT}.former").exists()
