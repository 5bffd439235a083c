"""`make deploy` replaces code while schedules, launches and runs go on."""

from __future__ import annotations

import fcntl
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dagster_api.client import ApiError
from dagster_api.workspace import load_errors
from operate.compose import run
from tests.locations.house import PROJECT, House

pytestmark = pytest.mark.timeout(600)
# A run with `held` waits until the test lets it go on.
GO = "data/go"
OP = f"""
import time


@dg.op(config_schema={{"held": dg.Field(bool, default_value=False)}})
def speak(context: dg.OpExecutionContext) -> None:
    context.log.info("one")
    deadline = time.monotonic() + 600
    while context.op_config["held"] and not Path("{GO}").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("no test has let it go on")
        time.sleep(0.2)


@dg.job(executor_def=dg.in_process_executor)
def speak_job() -> None:
    speak()
"""


CANCEL = """mutation($ids: [String!]!) { terminateRuns(runIds: $ids) {
  ... on TerminateRunsResult { terminateRunResults { __typename ... on TerminateRunFailure { message } } } } }"""
# As many as run at once, by default.
UNDER_WAY = 3


@pytest.fixture(scope="module")
def code(house: House) -> Iterator[Path]:
    """Yields a file of a project that has a job of one op. Restores the file at the end."""
    file = house.projects / "reports/src/reports/defs/reports.py"
    before = file.read_text()
    file.write_text(before + OP)
    house.made("deploy", "NAME=reports")
    yield file
    file.write_text(before)


def said(house: House, run_id: str) -> str:
    """Returns the messages of a run that must succeed."""
    client = house.client("reports")
    ended = client.wait(run_id, seconds=200)
    assert ended.status == "SUCCESS", client.story(run_id)
    return client.story(run_id)


def cancel(house: House, ids: list[str]) -> None:
    """Cancels runs that wait in the queue."""
    answer = house.client("reports").query(CANCEL, ids=ids)["terminateRuns"]["terminateRunResults"]
    assert [each["__typename"] for each in answer] == ["TerminateRunSuccess"] * len(ids), answer


def servers(house: House) -> str:
    return house.compose("ps", "--quiet", "reports").strip()


def current_tag(house: House) -> str:
    lines = (house.folder / ".env").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("REPORTS_TAG="))


def images() -> list[str]:
    return run(["docker", "image", "ls", "--format", "{{.Tag}}", f"{PROJECT}/reports"], capture=True).split()


def layers(tag: str) -> set[str]:
    """Returns the layers of a release's image."""
    (described,) = json.loads(run(["docker", "image", "inspect", f"{PROJECT}/reports:{tag}"], capture=True))
    return set(described["RootFS"]["Layers"])


class Launching(threading.Thread):
    """Launches a job every half second until it is stopped."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self.client = house.client("reports")
        self.launched: list[str] = []
        self.errors: list[str] = []
        self.ending = threading.Event()

    def run(self) -> None:
        """Launches."""
        # The first ones wait for the end of the test, and the others in the queue: they would only take the processors.
        config = {"ops": {"speak": {"config": {"held": True}}}}
        while not self.ending.wait(0.5):
            try:
                self.launched.append(self.client.launch("speak_job", config=config))
            except ApiError as error:
                self.errors.append(str(error))


@contextmanager
def launches(house: House) -> Iterator[Launching]:
    """Launches a job every half second within the block."""
    launching = Launching(house)
    launching.start()
    try:
        yield launching
    finally:
        launching.ending.set()
        launching.join()


def test_no_launch_is_lost_while_code_is_replaced(house: House, code: Path) -> None:
    """Each run keeps the image with which it was launched, also in the queue: the old code finishes what it started."""
    first = current_tag(house)
    with launches(house) as launching:
        for word in ("two", "three"):
            code.write_text(code.read_text().replace('info("', f'info("{word} '))
            assert " serves\n" in house.made("deploy", "NAME=reports")
    assert launching.errors == []
    assert len(launching.launched) > 10
    # One more of the old code, from the queue.
    kept = launching.launched[: UNDER_WAY + 1]
    cancel(house, launching.launched[UNDER_WAY + 1 :])
    house.compose("exec", "-T", "reports", "touch", GO)
    assert [said(house, run_id).count("three two one") for run_id in kept] == [0] * len(kept)
    used = {each.tags["dagster/image"] for each in house.client("reports").runs(runIds=kept)}
    assert used == {f"{PROJECT}/reports:{first}"}
    assert said(house, house.client("reports").launch("speak_job")).count("three two one") == 1


def test_broken_code_is_refused_and_the_old_code_serves_on(house: House, code: Path) -> None:
    """The message ends with the end of the traceback, and the server is not touched."""
    before, server = code.read_text(), servers(house)
    code.write_text(f"{before}\nraise RuntimeError('no such table')\n")
    refused = house.make("deploy", "NAME=reports")
    code.write_text(before)
    assert refused.returncode != 0
    assert "deploy: reports does not load, so its old code serves on:" in refused.stderr
    assert "RuntimeError: no such table" in refused.stderr
    assert servers(house) == server
    assert load_errors(house.url)["reports"] is None


def test_back_returns_to_the_release_before(house: House, code: Path) -> None:
    """An operator takes a release back in one step, without a build. Plain Compose must then start the same image."""
    tag = current_tag(house)
    before = code.read_text()
    code.write_text(before.replace('info("', 'info("wrong '))
    house.made("deploy", "NAME=reports")
    code.write_text(before)
    assert current_tag(house) != tag
    assert f"reports: {tag} serves\n" in house.made("deploy", "NAME=reports", "BACK=1")
    assert "wrong" not in said(house, house.client("reports").launch("speak_job"))
    assert current_tag(house) == tag


def test_deploy_without_a_change_replaces_nothing(house: House, code: Path) -> None:
    """A second `make deploy` costs no restart."""
    assert code.exists()
    house.made("deploy", "NAME=reports")
    server = servers(house)
    assert "reports: its code is up to date" in house.made("deploy", "NAME=reports")
    assert servers(house) == server


def test_second_deploy_waits_for_the_end_of_the_first(house: House) -> None:
    """Two at once would start and stop each other's servers."""
    (house.folder / ".releases").mkdir(exist_ok=True)
    deploy = ["make", "--no-print-directory", "deploy", "NAME=report"]
    with (house.folder / f".releases/lock.{PROJECT}").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with subprocess.Popen(deploy, cwd=house.folder, env=house.environ, text=True, stderr=subprocess.PIPE) as second:
            assert second.stderr
            assert "is in progress: waiting for its end\n" in second.stderr.readline()
            assert second.poll() is None
            fcntl.flock(other, fcntl.LOCK_UN)
            assert "there is no code location report" in second.communicate()[1]


def test_deploy_keeps_the_images_of_the_last_three_releases(house: House, code: Path) -> None:
    """Older images would fill the disk. The release that was taken back is one of them."""
    file = house.folder / f".releases/{PROJECT}/reports"
    while len(file.read_text().split()) <= 3 or len(images()) < 3:
        code.write_text(f"{code.read_text()}\n# another release\n")
        house.made("deploy", "NAME=reports")
    assert sorted(images()) == sorted(file.read_text().split()[-3:])


def test_change_of_code_stores_no_package_again(house: House, code: Path) -> None:
    """The packages of a project take hundreds of megabytes, and each release kept a copy of them."""
    first = current_tag(house)
    code.write_text(f"{code.read_text()}\n# one more release\n")
    house.made("deploy", "NAME=reports")
    assert len(layers(current_tag(house)) - layers(first)) == 1


def test_deploy_names_the_locations_that_exist(house: House) -> None:
    """A typing error must replace no server."""
    server = servers(house)
    refused = house.make("deploy", "NAME=report")
    assert refused.returncode != 0
    assert "there is no code location report: there are analytics, catalog, legacy, reports, user_code" in refused.stderr
    assert servers(house) == server
