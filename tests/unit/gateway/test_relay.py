"""The gateway lets the requests of a run pass, and hardens them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from aiohttp.test_utils import TestClient, TestServer

import docker
from launch_gateway.policy import Policy
from launch_gateway.relay import build_app
from launch_gateway.settings import values
from tests.unit.gateway.conftest import ENVIRONMENT, NOBODYS, OURS, RUN_ID, TWINS, Setup, launch

HARDENED = {
    "NetworkMode": "p_runs",
    "Binds": ["p_secrets_code:/run/secrets:ro", "p_exports:/var/lib/dagster/exports"],
    "CapDrop": ["ALL"],
    "SecurityOpt": ["no-new-privileges:true"],
    "ReadonlyRootfs": True,
    "Tmpfs": {"/tmp": "size=536870912", "/home/dagster": "exec,size=536870912,uid=10001,gid=10001,mode=0700"},  # noqa: S108
    "ShmSize": 67108864,
    "Init": True,
    "IpcMode": "private",
    "RestartPolicy": {"Name": "no"},
    "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
    "Memory": 2**30,
    "MemorySwap": 2**30,
    "NanoCpus": 10**9,
    "PidsLimit": 256,
}


async def test_the_launcher_s_own_client_launches_inspects_and_stops(gateway: Setup) -> None:
    """docker-py, as DockerRunLauncher uses it; it speaks the version of the policy, because it is told so."""

    def launcher() -> None:
        client = docker.DockerClient(base_url=f"tcp://127.0.0.1:{gateway.client.server.port}")
        volumes = values(ENVIRONMENT)["VOLUMES"]
        container = client.containers.create(
            image="p/user_code:local",
            command=["dagster", "api", "execute_run", "{}"],
            detach=True,
            environment={"A": "b"},
            network="p_runs",
            labels={"dagster/run_id": RUN_ID, "dagster/job_name": "j", "dagster/project": "p"},
            volumes=volumes,
            entrypoint=["python", "/opt/dagster/run.py"],
        )
        container.start()
        client.containers.get(container.id).stop(timeout=20)
        client.close()

    await asyncio.to_thread(launcher)
    asked = [(method, path) for method, path, _ in gateway.engine.received if "?filters=" not in path]
    base = f"/v1.44/containers/{OURS}"
    assert asked == [
        ("GET", "/v1.44/version"),
        ("POST", "/v1.44/containers/create"),
        ("GET", f"{base}/json"),
        ("POST", f"{base}/start"),
        ("GET", f"{base}/json"),
        ("POST", f"{base}/stop?t=20"),
    ]
    created = json.loads(gateway.engine.received[2][2])
    assert created["HostConfig"] == HARDENED
    assert created["User"] == "10001:10001"
    assert (created["Env"], created["Image"]) == (["A=b"], "p/user_code:local")
    assert set(created) == {"Image", "Entrypoint", "Cmd", "Env", "Labels", "HostConfig", "User"}


@pytest.mark.parametrize("image", ["p/user_code:local", "p/user_code:42", "p/other_code:7"])
async def test_runs_of_every_code_location_and_release_are_launched(gateway: Setup, image: str) -> None:
    """A second code location has an image of its own; a queued run keeps the tag of its release."""
    assert (await gateway.client.post("/containers/create", json=launch(Image=image))).status == 201
    assert gateway.engine.body["Image"] == image


async def test_nobody_can_leave_the_hardening_out(gateway: Setup) -> None:
    """A request that names no HostConfig at all gets it nevertheless."""
    bare = {"Image": "p/user_code:local", "Cmd": ["id"], "Labels": launch()["Labels"]}
    assert (await gateway.client.post("/containers/create", json=bare)).status == 201
    assert gateway.engine.body["HostConfig"] == {name: value for name, value in HARDENED.items() if name != "Binds"}


@pytest.mark.parametrize(
    ("asked", "given_"),
    [
        ({}, (2**30, 10**9, 256)),
        ({"Memory": 2**29, "NanoCpus": 5 * 10**8, "PidsLimit": 10}, (2**29, 5 * 10**8, 10)),
        ({"Memory": 2**40, "NanoCpus": 10**12, "PidsLimit": 10**6}, (2**30, 10**9, 256)),
        ({"Memory": 0, "NanoCpus": 0, "PidsLimit": 0}, (2**30, 10**9, 256)),
        ({"Memory": -1, "NanoCpus": -1, "PidsLimit": -1}, (2**30, 10**9, 256)),
    ],
)
async def test_limits_are_at_most_the_ceiling(gateway: Setup, asked: dict[str, int], given_: tuple[int, int, int]) -> None:
    """0 and -1 mean none to Docker; swap never comes beside the memory."""
    assert (await gateway.client.post("/containers/create", json=launch(asked))).status == 201
    host = gateway.engine.body["HostConfig"]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == given_
    assert host["MemorySwap"] == host["Memory"]


@pytest.mark.parametrize("path", ["/containers/json", '/containers/json?all=1&filters={"label":["dagster/job_name=x"]}'])
async def test_a_list_shows_containers_of_runs_of_this_deployment_only(gateway: Setup, path: str) -> None:
    """Whatever filters were asked for, these come on top."""
    assert (await gateway.client.get(path)).status == 200
    _, asked, _ = gateway.engine.received[-1]
    assert "dagster%2Fproject%3Dp" in asked
    assert "dagster%2Frun_id" in asked


async def test_logs_and_removal_are_there_for_whoever_clears_up(gateway: Setup) -> None:
    """As docker-py asks for them."""
    logs = f"/v1.44/containers/{OURS[:12]}/logs?stderr=1&stdout=1&timestamps=0&tail=all&follow=0"
    assert await (await gateway.client.get(logs)).read() == b"OK"
    removed = await gateway.client.delete(f"/v1.44/containers/{OURS}?v=False&link=False&force=False")
    assert removed.status == 200
    assert [path.split("?")[0] for _, path, _ in gateway.engine.acted] == [
        f"/v1.44/containers/{OURS}/logs",
        f"/v1.44/containers/{OURS}",
    ]


async def test_labels_are_looked_up_once(gateway: Setup) -> None:
    """They cannot change; each question would cost the launch a millisecond or two."""
    for _ in range(3):
        await gateway.client.post(f"/containers/{OURS}/start")
    assert [path for _, path, _ in gateway.engine.received if path.endswith("/json")] == [f"/v1.44/containers/{OURS}/json"]


async def test_an_engine_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """The run's event log shows it."""
    app = build_app(Policy(values(ENVIRONMENT)), str(tmp_path / "none.sock"))
    async with TestClient(TestServer(app)) as client:
        for method, path in (("GET", "/_ping"), ("POST", f"/containers/{NOBODYS}/start")):
            answer = await client.request(method, path)
            assert answer.status == 502
            assert (await answer.json())["message"].startswith("launch_gateway cannot reach the Docker engine")


async def test_what_is_refused_is_logged_without_the_caller_s_control_characters(
    gateway: Setup, caplog: pytest.LogCaptureFixture
) -> None:
    """A line for each, which cannot be made to look like two."""
    await gateway.raw(b"GET /\x0binfo%0aINFO%20all%20is%20well HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await gateway.client.get("/info")
    lines = [record.getMessage() for record in caplog.records if record.name == "launch_gateway"]
    assert lines[-1] == "refused GET '/info' from 127.0.0.1: 'a run does not need this call'"
    assert all("\n" not in line and "\x0b" not in line for line in lines)


async def test_as_many_containers_run_as_the_setting_allows(gateway: Setup) -> None:
    """The limit also holds for containers started at the same moment. Ended ones make room."""
    starts = (gateway.client.post(f"/containers/{OURS}/start") for _ in range(5))
    answers = [(answer.status, await answer.text()) for answer in await asyncio.gather(*starts)]
    # Not a refusal: the launcher gives the run back to the queue.
    why = "launch_gateway has no room: 2 containers of runs are running, and RUN_CONTAINERS_MAX in .env allows 2."
    assert sorted(answers) == [(200, "OK")] * 2 + [(503, json.dumps({"message": why}))] * 3
    created = await gateway.client.post("/containers/create", json=launch())
    assert (created.status, await created.json()) == (503, {"message": why})
    gateway.engine.running.pop()
    assert (await gateway.client.post("/containers/create", json=launch())).status == 201
    assert (await gateway.client.post(f"/containers/{OURS}/start")).status == 200


async def test_only_running_containers_of_this_deployment_are_counted(gateway: Setup) -> None:
    """The engine lists those that run, where nobody asks for all."""
    await gateway.client.post(f"/containers/{OURS}/start")
    (asked,) = [path for _, path, _ in gateway.engine.received if "/containers/json" in path]
    assert asked == "/v1.44/containers/json?" + urlencode({"filters": '{"label": ["dagster/project=p", "dagster/run_id"]}'})


async def test_the_beginning_of_more_than_one_id_is_not_found(gateway: Setup) -> None:
    """Docker says 400 to it, which was an engine out of reach to the launcher."""
    answer = await gateway.client.get(f"/containers/{TWINS[0][:12]}/json")
    said = {"message": "No such container: more than one begins with dddddddddddd"}
    assert (answer.status, await answer.json()) == (404, said)
    assert (await gateway.client.get(f"/containers/{TWINS[0]}/json")).status == 200
