"""A copy of the whole deployment under a project name and a port of its own, built and started once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from dagster_api.client import Client
from dagster_api.loading import wait_until_loaded
from dagster_api.runs import Run
from dagster_api.schedules_and_sensors import schedule
from dagster_api.waiting import seen, wait_for
from operate.compose import ROOT, code_server_start, free_port, webserver_url
from operate.overlays import BASE
from operate.up import ensure_base_images
from tests.stack.browser import browser_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

PROJECT = "stack_test"
# A person can wait for these schedules; the source is stale after the shortest time that Dagster allows.
SETTINGS = {
    "USERS_FRESHNESS_SECONDS": "60",
    "USERS_ASSETS_CRON": "* * * * *",
    "DATA_EXTRACTION_CRON": "* * * * *",
    "USERS_API_READ_SECONDS": "20",
}
COMPOSE = {"COMPOSE_FILE": BASE, "COMPOSE_PROGRESS": "plain"}
START_SECONDS = 600


@dataclass
class Stack:
    """The running copy."""

    project: str
    port: int
    environ: dict[str, str]
    url: str = ""

    @property
    def client(self) -> Client:
        """Returns the client of its API."""
        return Client(self.url or f"http://127.0.0.1:{self.port}")

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Runs `docker compose` for this copy; on failure the error holds its output."""
        command = ["docker", "compose", "--project-name", self.project, *arguments]
        result = subprocess.run(command, cwd=ROOT, env=self.environ, text=True, capture_output=True, check=False)
        if check and result.returncode:
            raise AssertionError(f"{' '.join(arguments)}: {result.stderr[-3000:]}\n{self.compose('ps', '-a', check=False)}")
        return result.stdout

    def refused(self, *arguments: str) -> str:
        """Returns the standard error of `docker compose`, which must fail."""
        command = ["docker", "compose", "--project-name", self.project, *arguments]
        ended = subprocess.run(command, cwd=ROOT, env=self.environ, text=True, capture_output=True, check=False)
        assert ended.returncode, f"{' '.join(arguments)} succeeded: {ended.stdout}"
        return ended.stderr

    def make(self, verb: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a verb of the Makefile for this copy, with `text` on standard input."""
        command = ["make", "--no-print-directory", verb, *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environ, text=True, input=text, capture_output=True, check=False)

    def up(self, *arguments: str) -> None:
        """Starts the copy, and waits until it is healthy and the webserver knows the current code server."""
        self.compose("up", "--detach", "--wait", "--wait-timeout", str(START_SECONDS), *arguments)
        wait_until_loaded(Client(webserver_url(self.environ)), since=code_server_start(self.environ))

    def control(self, **request: Any) -> None:
        """Changes the source's behaviour from inside the deployment, the only place that reaches it."""
        arguments = [f"{name}={json.dumps(value).strip(chr(34))}" for name, value in request.items()]
        self.compose("exec", "-T", "users_api", "python", "-m", "users_api.control", *arguments)

    def warehouse(self, query: str) -> list[str]:
        """Returns psql's lines for a query of the warehouse, with the role that the README gives an operator."""
        psql = ["psql", "--username=warehouse", "--dbname=warehouse", "--no-align", "--tuples-only", "--command", query]
        return self.compose("exec", "-T", "postgres", *psql).splitlines()

    def schedules(self, *, running: bool) -> None:
        """Switches both schedules."""
        for name in ("users_assets_schedule", "data_extraction_schedule"):
            schedule(self.client, name).turn(on=running)

    def quiet(self) -> None:
        """Waits until nothing is under way."""
        self.client.quiet(seconds=120)

    def succeeds(self, job: str, **options: Any) -> Run:
        """Launches `job`; its run must succeed."""
        ended = self.client.wait(self.client.launch(job, **options))
        assert ended.status == "SUCCESS", self.client.story(ended.run_id)
        return ended

    def hanging_run(self) -> str:
        """Returns the id of a run whose first step waits for a silent source."""
        self.control(behaviour="stall")
        run_id = self.client.launch("data_extraction_job")

        def hangs() -> bool:
            run = self.client.run(run_id)
            return seen(run.steps.get("fetch_data_from_api") == "IN_PROGRESS", run)

        wait_for("a hanging step", hangs, seconds=60)
        return run_id

    def remove(self) -> None:
        """Removes the copy: containers of runs, services, networks, and volumes, also of overlays that are off."""
        command = [sys.executable, "-m", "operate", "destroy", "--yes"]
        subprocess.run(command, cwd=ROOT, env=self.environ, check=True, capture_output=True)
        for kind in ("container", "network", "volume"):
            listing = ["docker", kind, "ls", "--quiet", "--filter", f"label=com.docker.compose.project={self.project}"]
            left = subprocess.run(listing, check=True, text=True, capture_output=True).stdout.split()
            assert not left, f"{kind}s left: {left}"


@contextmanager
def copy_of_the_deployment(project: str, session: pytest.Session, settings: Mapping[str, str]) -> Iterator[Stack]:
    """Builds and starts a copy; removes it at the end, after printing its logs if a test failed."""
    ensure_base_images(os.environ)
    port = free_port()
    names = {"COMPOSE_PROJECT_NAME": project, "WEBSERVER_PORT": str(port)}
    stack = Stack(project, port, {**os.environ, **COMPOSE, **settings, **names})
    stack.remove()
    stack.compose("build", "--quiet")
    try:
        stack.up()
        yield stack
    finally:
        if session.testsfailed:
            print(stack.compose("ps", "--all", check=False), stack.compose("logs", "--tail", "60", check=False))
        stack.remove()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Returns the copy, with its schedules off."""
    with copy_of_the_deployment(PROJECT, request.session, SETTINGS) as stack:
        yield stack


@pytest.fixture
def still(stack: Stack) -> Stack:
    """Returns the copy with its schedules off, nothing under way and a healthy source."""
    stack.schedules(running=False)
    stack.control(behaviour="ok")
    stack.quiet()
    return stack


@pytest.fixture
def page(still: Stack) -> Iterator[Page]:
    """Opens a browser at the copy's UI."""
    with browser_page(still.client.url) as page:
        yield page
