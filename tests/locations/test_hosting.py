"""Projects of many shapes run beside each other: each loads, materializes, ticks, and continues a failed run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dagster_api.client import ASSET_JOB
from dagster_api.schedules_and_sensors import schedule, sensor
from dagster_api.waiting import seen, wait_for
from dagster_api.workspace import load_errors
from operate.compose import run
from tests.locations.conftest import NAMES
from tests.locations.house import PROJECT, House
from tests.stack.reaching import addresses, reached_services

pytestmark = pytest.mark.timeout(900)
# The assets of each project, and a file that their materialization leaves in the project's folder.
ASSETS = {
    "analytics": (("orders", "revenue"), "data/warehouse.duckdb"),
    "catalog": (("products",), "data/catalog.duckdb"),
    "legacy": (("shipments",), "data/eu.duckdb"),
    "reports": (("sales", "picture"), "data/picture.png"),
}


def test_webserver_loads_every_project(house: House) -> None:
    """The user's first question is whether the UI shows the project."""
    assert load_errors(house.url) == dict.fromkeys(["user_code", *NAMES])


@pytest.mark.parametrize("name", NAMES)
def test_run_materializes_every_asset_and_leaves_its_file(house: House, name: str) -> None:
    """A project writes below `data` as it does on the developer's machine. The file must outlive the run."""
    assets, file = ASSETS[name]
    client = house.client(name)
    tags = {"dagster/partition": "eu"} if name == "legacy" else {}
    ended = client.wait(client.launch(ASSET_JOB, assets=assets, tags=tags), seconds=200)
    assert ended.status == "SUCCESS", client.story(ended.run_id)
    assert house.compose("exec", "-T", name, "ls", file).strip() == file


@pytest.mark.parametrize("name", NAMES)
def test_failed_run_continues_in_another_container(house: House, name: str) -> None:
    """A re-execution from failure reads the outputs and the files that the first container left."""
    client = house.client(name)
    house.compose("exec", "-T", name, "rm", "-f", "data/tried")
    first = client.wait(client.launch("fragile_job"), seconds=200)
    assert "this fails once" in client.errors(first.run_id), client.story(first.run_id)
    again = client.wait(client.reexecute(first.run_id), seconds=200)
    assert again.status == "SUCCESS", client.story(again.run_id)
    assert again.tags["docker/container_id"] != first.tags["docker/container_id"]


def test_sensor_keeps_its_cursor(house: House) -> None:
    """The sensor asks for one partition after the other. Without its cursor it would ask for the first one only."""
    client, switch = house.client("legacy"), sensor(house.client("legacy"), "new_regions")
    switch.turn(on=True)

    def partitions() -> set[str | None]:
        runs = client.runs(pipelineName="shipments_job")
        return {each.tags.get("dagster/partition") for each in runs if each.status == "SUCCESS"}

    try:
        wait_for("both partitions", lambda: seen({"eu", "us"} <= partitions(), partitions()), seconds=200)
    finally:
        switch.turn(on=False)


@pytest.mark.parametrize("name", NAMES)
def test_run_gets_only_the_volumes_of_its_own_project(house: House, name: str) -> None:
    """A run must not read the secrets or the data of another project."""
    client = house.client(name)
    ended = next(each for each in client.runs(pipelineName="fragile_job") if each.tags["dagster/code_location"] == name)
    (described,) = json.loads(run(["docker", "inspect", ended.tags["docker/container_id"]], capture=True))
    kinds = ("secrets", "op_outputs", "exports", "data")
    assert {mount.split(":")[0] for mount in described["HostConfig"]["Binds"]} == {
        f"{PROJECT}_compute_logs",
        *(f"{PROJECT}_{name}_{kind}" for kind in kinds),
    }
    assert f"{PROJECT}/{name}:" in described["Config"]["Image"]


def test_value_of_the_project_env_is_only_in_its_file(house: House) -> None:
    """`docker inspect` and the image are read by more people than the runs of a project."""
    client = house.client("reports")
    containers = [
        client.runs(limit=1, statuses=["SUCCESS"])[0].tags["docker/container_id"],
        house.compose("ps", "--quiet", "reports").strip(),
    ]
    assert "abcdefgh" in house.compose("exec", "-T", "reports", "cat", "/run/secrets/project.env")
    assert "abcdefgh" not in run(["docker", "inspect", *containers], capture=True)
    assert house.compose("exec", "-T", "reports", "sh", "-c", "grep -rl abcdefgh /opt/project; [ $? = 1 ]") == ""


@pytest.mark.parametrize(("network", "reached"), [("runs", set()), ("runs_egress", set()), ("code", {"user_code", *NAMES})])
def test_run_reaches_no_code_server(house: House, network: str, reached: set[str]) -> None:
    """A code server executes what it is asked for, and gRPC has no login. Only webserver and daemon are in its network."""
    ports = dict.fromkeys(("user_code", *NAMES), 4000)
    places = addresses(house.compose("ps", "--quiet", *ports).split(), ports)
    assert {len(each) for each in places.values()} == {3}
    assert reached_services(PROJECT, network, places) == reached


@contextmanager
def ticking(house: House) -> Iterator[None]:
    """Lets the schedule of each project tick within the block."""
    schedules = [schedule(house.client(name), "every_minute") for name in NAMES]
    for each in schedules:
        each.turn(on=True)
    yield
    for each in schedules:
        each.turn(on=False)


def test_schedule_of_each_project_ticks(house: House) -> None:
    """The daemon executes the schedules of every location."""
    by_schedule = [{"key": "dagster/schedule_name", "value": "every_minute"}]

    def ticked() -> bool:
        runs = house.client(NAMES[0]).runs(pipelineName="tick_job", tags=by_schedule)
        locations = {each.tags["dagster/code_location"] for each in runs}
        return seen(locations == set(NAMES), locations)

    with ticking(house):
        wait_for("a run of each schedule", ticked, seconds=150)


def test_deployment_uses_its_own_dagster_and_says_so(house: House) -> None:
    """One project locks another patch version in uv.lock, and one pins it in requirements.txt."""
    for name in ("analytics", "catalog"):
        lock = (house.folder / f"locations/{name}/requirements.txt").read_text()
        assert "# note: the project asks for dagster==1.13.26; it gets 1.13.27, which fits webserver and daemon\n" in lock
        version = "from importlib.metadata import version; print(version('dagster'))"
        assert house.compose("exec", "-T", name, "python", "-c", version).strip() == "1.13.27"
