"""OFFSITE=1: restic copies everything to an S3 server. The machine is lost, and comes back from the copy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from dagster_api.waiting import NotYetError, seen, wait_for
from database_backup.offsite import STATUS
from operate.compose import free_port
from operate.volumes import kept
from tests.demo.drills.history import make_history
from tests.drills.comparing import ASKED, files_of, hashes
from tests.locations.house import House, housed
from tests.selector import LOCATION

pytestmark = pytest.mark.timeout(600)
PROJECT = f"offsite_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
MOTO = [sys.executable, "-m", "uv", "--quiet", "--no-config", "tool", "run", "--from", "moto[server,s3]", "moto_server"]
KEY, OTHER = "offsite.key", "other.key"
WEBSERVER = "docker/dagster/src/dagster_services/webserver/start.py"
SETTINGS = """BACKUP=1
OFFSITE=1
OFFSITE_MINUTES=1
BACKUP_REPOSITORY=s3:{}/copies
BACKUP_REPOSITORY_KEY_FILE=./offsite.key
BACKUP_REPOSITORY_CREDENTIALS_FILE=./offsite.env
"""


@contextmanager
def object_store() -> Iterator[str]:
    """Yields the address of an S3 server that containers reach."""
    gateway = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    host = subprocess.run(gateway, check=True, text=True, capture_output=True).stdout.strip()
    url = f"http://{host}:{free_port()}"
    command = [*MOTO, "-H", host, "-p", url.rpartition(":")[2]]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for("the S3 server", lambda: answers(url), seconds=120)
            yield url
        finally:
            server.terminate()


def answers(url: str) -> bool:
    """Returns whether a server answers. Raises NotYetError if it does not listen yet."""
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError as error:
        raise NotYetError(error) from error


@pytest.fixture(scope="module")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yields a copy of the repository whose deployment is copied elsewhere each minute."""
    above = tmp_path_factory.mktemp("offsite")
    with object_store() as url, housed(request, above, PROJECT, SETTINGS.format(url)) as house:
        (house.folder / KEY).write_text("a long random line\n")
        (house.folder / "offsite.env").write_text("# of the store\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n")
        house.made("up")
        yield house


def outcomes(house: House) -> dict[str, Any]:
    """Returns the outcomes of the service's work."""
    found: dict[str, Any] = json.loads(house.compose("exec", "-T", "offsite", "cat", str(STATUS)))
    return found


def wait_for_copy(house: House) -> None:
    """Waits until the service's last copy has succeeded."""

    def copied() -> bool:
        try:
            found = outcomes(house)
        except subprocess.CalledProcessError as error:
            raise NotYetError(error) from error
        return seen(not found["copy"]["error"], found)

    wait_for("a copy", copied, seconds=240, every=1)


def execute(house: House, work: str) -> str:
    """Does work of the service now; returns what it says."""
    program = f"from database_backup import repository as r; r.read_credentials(); print(r.{work})"
    return house.compose("exec", "-T", "offsite", "/usr/bin/python3", "-c", program).strip()


def lose(house: House) -> None:
    """Removes containers, volumes and images."""
    destroy = [sys.executable, "-m", "operate", "destroy", "--yes"]
    subprocess.run(destroy, cwd=house.folder, env=house.environ, check=True, capture_output=True)
    listing = ["docker", "image", "ls", "--quiet", f"--filter=reference={PROJECT}/*"]
    images = subprocess.run(listing, text=True, check=True, capture_output=True).stdout.split()
    assert images != []
    subprocess.run(["docker", "rmi", "--force", *set(images)], check=True, capture_output=True)


def test_lost_machine_comes_back_from_the_copy(house: House) -> None:
    """No volume is left, and no image. Runs, tables, files, passwords and the states of schedules are as they were."""
    client = house.client(LOCATION)
    make_history(house)
    deployment = json.loads(house.compose("config", "--format", "json"))
    image = deployment["services"]["secrets"]["image"]
    answers_before, tables, files = client.query(ASKED), hashes(house.compose, "warehouse"), files_of(kept(deployment), image)
    runs = [run.run_id for run in client.runs()]
    wait_for_copy(house)
    assert execute(house, "copy()").endswith(" is the newest copy")
    lose(house)
    said = house.made("restore", "COPY=latest")
    assert "restore: the copy latest is restored" in said
    assert "Dagster runs: " in said
    assert [run.run_id for run in client.runs()] == runs
    assert client.query(ASKED) == answers_before
    assert hashes(house.compose, "warehouse") == tables
    assert files_of(kept(deployment), image) == files
    house.made("smoke")


@pytest.mark.parametrize(
    ("copied", "key", "said"),
    [("0123abcd", KEY, "no matching ID found"), ("latest", OTHER, "wrong password or no key found")],
)
def test_copy_that_cannot_be_read_changes_nothing(house: House, copied: str, key: str, said: str) -> None:
    """Somebody has another key, or a wrong id. The deployment runs on."""
    before = house.compose("ps", "--quiet", "postgres", "webserver")
    (house.folder / OTHER).write_text("another line\n")
    settings = house.folder / ".env"
    text = settings.read_text()
    settings.write_text(text.replace(f"./{KEY}", f"./{key}"))
    try:
        refused = house.make("restore", f"COPY={copied}", "YES=1")
    finally:
        settings.write_text(text)
    assert refused.returncode != 0
    assert said in refused.stderr
    assert "Nothing was changed." in refused.stderr
    assert house.compose("ps", "--quiet", "postgres", "webserver") == before


def test_service_with_a_wrong_key_is_unhealthy_and_says_why(house: House) -> None:
    """Copies that nobody can read count as none."""
    key = house.folder / KEY
    text = key.read_text()
    key.write_text("another line\n")
    house.compose("restart", "offsite")

    def unhealthy() -> bool:
        listed = house.compose("ps", "--format", "{{.Health}}", "offsite").strip()
        return seen(listed == "unhealthy", listed)

    try:
        wait_for("an unhealthy service", unhealthy, seconds=180, every=1)
        assert "wrong password or no key found" in outcomes(house)["copy"]["error"]
        assert "copy: Fatal: wrong password or no key found" in house.compose("logs", "offsite")
    finally:
        key.write_text(text)
        house.compose("restart", "offsite")
    wait_for_copy(house)


def test_old_copies_are_removed_and_the_rest_is_whole(house: House) -> None:
    """The service does this each night and each week."""
    assert execute(house, "prune(7)") == "copies of 7 days are kept"
    assert execute(house, "check()") == "the repository is whole"


def test_upgrade_that_fails_returns_with_a_new_full_backup(house: House) -> None:
    """The new release has written WAL that the former database does not continue. Nobody may restore a mixture."""
    began = datetime.now(UTC)
    file = house.folder / WEBSERVER
    text = file.read_text()
    file.write_text(text.replace("def main(", 'raise SystemExit("a library is missing")\n\n\ndef main(', 1))
    refused = house.make("upgrade")
    file.write_text(text)
    assert refused.returncode != 0
    assert "the former release runs again, with all data. The reason: " in refused.stderr
    assert "a library is missing" in refused.stderr

    def made() -> bool:
        found = json.loads(house.compose("exec", "-T", "backup", "cat", "/var/lib/backup/status.json"))
        full = found.get("full", {})
        return seen(bool(full.get("good")) and datetime.fromisoformat(full["good"]) > began, found)

    wait_for("a full backup", made, seconds=240, every=1)
    assert house.compose("exec", "-T", "backup", "ls", "/var/lib/backup/former").split() != []
    assert "upgrade: this release runs" in house.made("upgrade")


def test_mounts_name_every_volume_of_a_backup(house: House) -> None:
    """A code location that is added later has a volume of its own."""
    deployment = json.loads(house.compose("config", "--format", "json"))
    mounts = {each["source"] for each in deployment["services"]["offsite"]["volumes"]}
    assert mounts == {*kept(deployment), "backup_data", "offsite_repository"}
    assert Path(house.folder / ".releases/offsite.yml").exists()
