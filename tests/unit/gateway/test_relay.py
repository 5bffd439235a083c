"""The gateway passes the requests of a run, and hardens them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from aiohttp.test_utils import TestClient, TestServer

import docker
from launch_gateway.relay import build_app
from tests.unit.gateway.conftest import ENTRYPOINT, NOBODYS, OURS, RUN_ID, TWINS, Setup, launch, policy

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


async def test_docker_py_launches_inspects_and_stops_a_container(gateway: Setup) -> None:
    """DockerRunLauncher uses docker-py. The gateway tells docker-py which API version to use."""

    def launcher() -> None:
        client = docker.DockerClient(base_url=f"tcp://127.0.0.1:{gateway.client.server.port}")
        container = client.containers.create(
            image="p/user_code:local",
            command=["dagster", "api", "execute_run", "{}"],
            detach=True,
            environment={"A": "b"},
            labels={"dagster/run_id": RUN_ID, "dagster/job_name": "j"},
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
    assert created["Entrypoint"] == ENTRYPOINT
    assert created["Labels"] == {"dagster/run_id": RUN_ID, "dagster/job_name": "j", "dagster/project": "p"}
    assert set(created) == {"Image", "Entrypoint", "Cmd", "Env", "Labels", "HostConfig", "User"}


@pytest.mark.parametrize("image", ["p/user_code:local", "p/user_code:42", "p/shop:7"])
async def test_gateway_accepts_images_of_every_code_location_and_release(gateway: Setup, image: str) -> None:
    """A second code location has its own image. A queued run keeps the tag of its release."""
    bare = {"Image": image, "Cmd": ["id"], "Labels": launch()["Labels"]}
    assert (await gateway.client.post("/containers/create", json=bare)).status == 201
    assert gateway.engine.body["Image"] == image


async def test_gateway_gives_each_code_location_its_own_volumes_network_and_limits(gateway: Setup) -> None:
    """A run of one location must not read the secrets or the data of another one."""
    bare = {"Image": "p/shop:local", "Cmd": ["id"], "Labels": launch()["Labels"]}
    assert (await gateway.client.post("/containers/create", json=bare)).status == 201
    host = gateway.engine.body["HostConfig"]
    assert host["Binds"] == ["p_shop_secrets:/run/secrets:ro", "p_shop_data:/opt/project/data"]
    assert host["NetworkMode"] == "p_runs_egress"
    assert (host["Memory"], host["PidsLimit"], host["NanoCpus"]) == (2**31, 64, 10**9)


async def test_gateway_reads_a_new_code_location_without_a_restart(gateway: Setup, tmp_path: Path) -> None:
    """A restart would delay the runs of the other locations."""
    bare = {"Image": "p/later:1", "Cmd": ["id"], "Labels": launch()["Labels"]}
    assert (await gateway.client.post("/containers/create", json=bare)).status == 403
    (tmp_path / "later").mkdir()
    (tmp_path / "later/compose.yml").write_text("x-runs: {volumes: [later_data:/opt/project/data]}")
    assert (await gateway.client.post("/containers/create", json=bare)).status == 201
    assert gateway.engine.body["HostConfig"]["Binds"] == ["p_later_data:/opt/project/data"]


async def test_gateway_hardens_a_request_without_host_config(gateway: Setup) -> None:
    """A client must not avoid the hardening with an empty request."""
    bare = {"Image": "p/user_code:local", "Cmd": ["id"], "Labels": launch()["Labels"]}
    assert (await gateway.client.post("/containers/create", json=bare)).status == 201
    assert gateway.engine.body["HostConfig"] == HARDENED


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
async def test_gateway_lowers_limits_to_the_maximum(gateway: Setup, asked: dict[str, int], given_: tuple[int, int, int]) -> None:
    """Docker reads 0 and -1 as no limit. Swap must not extend the memory."""
    assert (await gateway.client.post("/containers/create", json=launch(asked))).status == 201
    host = gateway.engine.body["HostConfig"]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == given_
    assert host["MemorySwap"] == host["Memory"]


@pytest.mark.parametrize("path", ["/containers/json", '/containers/json?all=1&filters={"label":["dagster/job_name=x"]}'])
async def test_gateway_lists_only_run_containers_of_this_deployment(gateway: Setup, path: str) -> None:
    """A client must see no other container, whatever filters it sends."""
    assert (await gateway.client.get(path)).status == 200
    _, asked, _ = gateway.engine.received[-1]
    assert "dagster%2Fproject%3Dp" in asked
    assert "dagster%2Frun_id" in asked


async def test_gateway_passes_requests_for_logs_and_removal(gateway: Setup) -> None:
    """A client that cleans up sends these requests with docker-py."""
    logs = f"/v1.44/containers/{OURS[:12]}/logs?stderr=1&stdout=1&timestamps=0&tail=all&follow=0"
    assert await (await gateway.client.get(logs)).read() == b"OK"
    removed = await gateway.client.delete(f"/v1.44/containers/{OURS}?v=False&link=False&force=False")
    assert removed.status == 200
    assert [path.split("?")[0] for _, path, _ in gateway.engine.acted] == [
        f"/v1.44/containers/{OURS}/logs",
        f"/v1.44/containers/{OURS}",
    ]


async def test_gateway_inspects_the_labels_of_a_container_once(gateway: Setup) -> None:
    """Labels cannot change, and each inspection would delay a launch by a millisecond or two."""
    for _ in range(3):
        await gateway.client.post(f"/containers/{OURS}/start")
    assert [path for _, path, _ in gateway.engine.received if path.endswith("/json")] == [f"/v1.44/containers/{OURS}/json"]


async def test_gateway_answers_502_if_it_cannot_reach_the_engine(tmp_path: Path) -> None:
    """The event log of the run shows this sentence to the user."""
    app = build_app(policy(tmp_path), str(tmp_path / "none.sock"))
    async with TestClient(TestServer(app)) as client:
        for method, path in (("GET", "/_ping"), ("POST", f"/containers/{NOBODYS}/start")):
            answer = await client.request(method, path)
            assert answer.status == 502
            assert (await answer.json())["message"].startswith("launch_gateway cannot reach the Docker engine")


async def test_gateway_logs_a_refusal_without_control_characters(gateway: Setup, caplog: pytest.LogCaptureFixture) -> None:
    """A client must not be able to forge a second log line."""
    await gateway.raw(b"GET /\x0binfo%0aINFO%20all%20is%20well HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await gateway.client.get("/info")
    lines = [record.getMessage() for record in caplog.records if record.name == "launch_gateway"]
    assert lines[-1] == "refused GET '/info' from 127.0.0.1: 'a run does not need this call'"
    assert all("\n" not in line and "\x0b" not in line for line in lines)


async def test_gateway_limits_the_number_of_running_containers(gateway: Setup) -> None:
    """The limit must also apply to simultaneous starts. An ended container makes room for another."""
    starts = (gateway.client.post(f"/containers/{OURS}/start") for _ in range(5))
    answers = [(answer.status, await answer.text()) for answer in await asyncio.gather(*starts)]
    # Status 503 is not a refusal: the launcher returns the run to the queue.
    why = "launch_gateway has no room: 2 containers of runs are running, and RUN_CONTAINERS_MAX in .env allows 2."
    assert sorted(answers) == [(200, "OK")] * 2 + [(503, json.dumps({"message": why}))] * 3
    created = await gateway.client.post("/containers/create", json=launch())
    assert (created.status, await created.json()) == (503, {"message": why})
    gateway.engine.running.pop()
    assert (await gateway.client.post("/containers/create", json=launch())).status == 201
    assert (await gateway.client.post(f"/containers/{OURS}/start")).status == 200


async def test_gateway_counts_only_running_containers_of_this_deployment(gateway: Setup) -> None:
    """Ended containers need no memory. Docker lists only running ones unless a client asks for all."""
    await gateway.client.post(f"/containers/{OURS}/start")
    (asked,) = [path for _, path, _ in gateway.engine.received if "/containers/json" in path]
    assert asked == "/v1.44/containers/json?" + urlencode({"filters": '{"label": ["dagster/project=p", "dagster/run_id"]}'})


async def test_gateway_answers_404_for_the_beginning_of_two_ids(gateway: Setup) -> None:
    """Docker answers 400. The launcher would take that for an engine that it cannot reach."""
    answer = await gateway.client.get(f"/containers/{TWINS[0][:12]}/json")
    said = {"message": "No such container: more than one begins with dddddddddddd"}
    assert (answer.status, await answer.json()) == (404, said)
    assert (await gateway.client.get(f"/containers/{TWINS[0]}/json")).status == 200
