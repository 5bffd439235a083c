"""The tests build and start one copy of the whole deployment. It has its own project name and its own port."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from dagster_api.client import Client
from dagster_api.loading import wait_until_loaded
from dagster_api.runs import Run
from dagster_api.schedules_and_sensors import schedule
from operate.compose import ROOT, free_port, model, webserver_url
from operate.containers import code_server_start
from operate.overlays import BASE
from operate.up import ensure_base_images
from tests.leftovers import remove_leftovers
from tests.selector import LOCATION
from tests.stack.browser import browser_page, started_browser
from tests.stack.hosting import build, overlay

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


# Two workers of `make test` may each run a copy at the same time.
PROJECT = f"stack_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
CODE = Path(__file__).with_name("code_location")
# A sensor may take three seconds. The code location has a sensor that takes five.
SETTINGS = {"DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "3", "ALERT_PATIENCE_SECONDS": "5"}
# A shell, JSON, or a split at the first `=` would damage these names and values. Some of them were once lost.
VARIABLES = {
    "ODD_VALUE": 'a=b \'c\' "d" $$e #f \\ \u00e9\n{"g": [1]}',
    "odd.name-1": "lower case, a dot and a dash",
    "EMPTY": "",
    "PWD": "/elsewhere",
    "SHLVL": "7",
}
START_SECONDS = 600
# Docker executed 83 commands a minute in three copies, most of them health checks. Those of a start are as frequent as ever.
SELDOM = {"HEALTH_INTERVAL": "5m"}
# A test of alerts writes one.
NO_ADDRESS = "# none\n"
# More than a copy has.
MOST_NETWORKS = 32


@dataclass
class Stack:
    """Describes the running copy."""

    project: str
    port: int
    environ: dict[str, str]
    url: str = ""
    # The environment with which its containers were started.
    started: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> Client:
        """Returns the client of the copy's API."""
        return Client(self.url or f"http://127.0.0.1:{self.port}", LOCATION)

    def _docker(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Runs `docker` with the settings of this copy."""
        return subprocess.run(["docker", *arguments], cwd=ROOT, env=self.environ, text=True, capture_output=True, check=False)

    def _stdout(self, arguments: Sequence[str], *, check: bool) -> str:
        """Returns the output of `docker`. Raises an error with its output and the containers if it fails."""
        result = self._docker(arguments)
        if check and result.returncode:
            raise AssertionError(f"{' '.join(arguments)}: {result.stderr[-3000:]}\n{self.compose('ps', '-a', check=False)}")
        return result.stdout

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Runs `docker compose` for this copy. Raises an error with its output if the command fails."""
        return self._stdout(["compose", "--project-name", self.project, *arguments], check=check)

    def exec(self, service: str, *command: str, check: bool = True) -> str:
        """Runs a command in the container of a service. Raises an error with its output if the command fails."""
        return self._stdout(self._exec(service, command), check=check)

    def exec_refused(self, service: str, *command: str) -> str:
        """Returns the standard error of a command in the container of a service. The command must fail."""
        ended = self._docker(self._exec(service, command))
        assert ended.returncode, f"{' '.join(command)} succeeded: {ended.stdout}"
        return ended.stderr

    def _exec(self, service: str, command: Sequence[str]) -> list[str]:
        """Returns the arguments of `docker`. `docker compose exec` reads all Compose files first: 0.2 s of CPU each time."""
        return ["exec", f"{self.project}-{service}-1", *command]

    def make(self, verb: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a target of the Makefile for this copy, with `text` on standard input."""
        command = ["make", "--no-print-directory", verb, *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environ, text=True, input=text, capture_output=True, check=False)

    def up(self, *arguments: str) -> None:
        """Starts the copy. Waits until it is healthy and the webserver has loaded the current code server."""
        self.started = dict(self.environ)
        self.compose("up", "--detach", "--wait", "--wait-timeout", str(START_SECONDS), *arguments)
        wait_until_loaded(Client(webserver_url(self.environ), LOCATION), since=code_server_start(self.project, LOCATION))

    def restore(self) -> None:
        """Starts the copy with its own settings if a test has started it with others."""
        if self.started != self.environ:
            self.up("--remove-orphans")

    def mark(self, name: str, *, on: bool) -> None:
        """Creates or removes a file in `data/` of the code location. The steps check whether it exists."""
        self.exec("user_code", *(("touch",) if on else ("rm", "-f")), f"data/{name}")

    def warehouse(self, query: str) -> list[str]:
        """Returns psql's lines for a query of the warehouse. psql uses the role that docs/operating.md gives an operator."""
        psql = ["psql", "--username=warehouse", "--dbname=warehouse", "--no-align", "--tuples-only", "--command", query]
        return self.exec("postgres", *psql).splitlines()

    def schedules(self, *, running: bool) -> None:
        """Starts or stops all schedules."""
        for each in self.client.repository()["schedules"]:
            schedule(self.client, each["name"]).turn(on=running)

    def quiet(self) -> None:
        """Waits until no run is under way."""
        self.client.quiet(seconds=120)

    def succeeds(self, job: str, **options: Any) -> Run:
        """Launches `job` and returns its run, which must succeed."""
        ended = self.client.wait(self.client.launch(job, **options))
        assert ended.status == "SUCCESS", self.client.story(ended.run_id)
        return ended

    def remove(self) -> None:
        """Removes the containers, networks and volumes of the copy, also those of runs and of unused overlays."""
        command = [sys.executable, "-m", "operate", "destroy", "--yes"]
        subprocess.run(command, cwd=ROOT, env=self.environ, check=True, capture_output=True)
        for kind in ("container", "network", "volume"):
            listing = ["docker", kind, "ls", "--quiet", "--filter", f"label=com.docker.compose.project={self.project}"]
            left = subprocess.run(listing, check=True, text=True, capture_output=True).stdout.split()
            assert not left, f"{kind}s left: {left}"


@contextmanager
def subnets(environ: dict[str, str]) -> Iterator[None]:
    """Gives the networks of a copy subnets of their own beside other copies: Docker has addresses for 31 networks only.

    The range is the one for benchmarks, which no network uses (RFC 2544).
    """
    lane = os.environ.get("PYTEST_XDIST_WORKER")
    if not lane:
        yield
        return
    remove_leftovers(lane)
    blocks = islice(ip_network("198.18.0.0/15").subnets(new_prefix=26), int(lane.removeprefix("gw")) * MOST_NETWORKS, None)
    networks = {
        name: {"ipam": {"config": [{"subnet": str(block), "gateway": str(block[1])}]}}
        for name, block in zip(model(environ)["networks"], blocks, strict=False)
    }
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump({"networks": networks}, file)
        file.flush()
        environ["COMPOSE_FILE"] += f":{file.name}"
        yield


Copy = TypeVar("Copy", bound=Stack)


@contextmanager
def copy_of_the_deployment(
    project: str, session: pytest.Session, settings: Mapping[str, str], kind: type[Copy] = Stack
) -> Iterator[Copy]:
    """Builds and starts a copy, and removes it at the end. Prints its logs if a test failed."""
    ensure_base_images({**os.environ, **settings})
    port = free_port()
    # The tag that `make up` has written to .env is one of another project.
    names = {"COMPOSE_PROJECT_NAME": project, "WEBSERVER_PORT": str(port), "USER_CODE_TAG": "local"}
    compose = {"COMPOSE_FILE": BASE, "COMPOSE_PROGRESS": "plain"}
    stack = kind(project, port, {**os.environ, **compose, **settings, **names})
    with subnets(stack.environ):
        stack.remove()
        build(stack)
        try:
            stack.up()
            yield stack
        finally:
            if session.testsfailed:
                print(stack.compose("ps", "--all", check=False), stack.compose("logs", "--tail", "60", check=False))
            stack.remove()


@contextmanager
def copy_with_letters(
    project: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, *overlays: str, **environ: str
) -> Iterator[Stack]:
    """Builds and starts a copy with the code location of these tests, and removes it at the end."""
    file = overlay(CODE, tmp_path_factory.mktemp("code_location"), environment=VARIABLES)
    addresses = tmp_path_factory.mktemp("alerts") / "addresses"
    addresses.write_text(NO_ADDRESS)
    files = ":".join([BASE, str(file), *overlays])
    settings = {**SETTINGS, **SELDOM, "COMPOSE_FILE": files, "ALERT_URLS_FILE": str(addresses), **environ}
    with copy_of_the_deployment(project, request.session, settings) as stack:
        yield stack


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yields the copy."""
    with copy_with_letters(PROJECT, request, tmp_path_factory) as stack:
        yield stack


@pytest.fixture(autouse=True)
def own_settings(request: pytest.FixtureRequest) -> None:
    """Restores the copy if the test before left it with other settings. The last file of a folder needs no restore."""
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").restore()


@pytest.fixture
def still(stack: Stack) -> Stack:
    """Returns the copy with its own settings, stopped schedules, no run under way, and no file that makes a step fail or wait."""
    # Drills import this fixture, and not `own_settings`.
    stack.restore()
    stack.schedules(running=False)
    stack.exec("user_code", "rm", "-f", "data/fail", "data/hold")
    stack.quiet()
    return stack


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Yields a browser."""
    with started_browser() as browser:
        yield browser


@pytest.fixture
def page(still: Stack, browser: Browser) -> Iterator[Page]:
    """Yields a browser page whose home is the copy's UI."""
    with browser_page(browser, still.client.url) as page:
        yield page
