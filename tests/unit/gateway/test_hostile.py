"""Requests that must not reach the engine, each with the answer expected."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.gateway.conftest import NOBODYS, OURS, RUN_ID, THEIRS, Setup, launch

V = "/v1.44"

# Method, path, and what the refusal says.
PATHS = [
    ("POST", f"{V}/containers/{OURS}/exec", "a run does not need this call"),
    ("POST", f"{V}/exec/{OURS}/start", "a run does not need this call"),
    ("POST", f"{V}/containers/{OURS}/kill", "a run does not need this call"),
    ("POST", f"{V}/containers/{OURS}/attach?stream=1", "a run does not need this call"),
    ("POST", f"{V}/containers/{OURS}/update", "a run does not need this call"),
    ("POST", f"{V}/containers/{OURS}/rename?name=x", "a run does not need this call"),
    ("POST", f"{V}/containers/{OURS}/pause", "a run does not need this call"),
    ("POST", f"{V}/containers/prune", "a run does not need this call"),
    ("GET", f"{V}/containers/{OURS}/archive?path=/", "a run does not need this call"),
    ("PUT", f"{V}/containers/{OURS}/archive?path=/", "a run does not need this call"),
    ("GET", f"{V}/containers/{OURS}/export", "a run does not need this call"),
    ("POST", f"{V}/images/create?fromImage=evil", "no image is pulled"),
    ("POST", f"{V}/images/load", "a run does not need this call"),
    ("POST", f"{V}/build", "a run does not need this call"),
    ("POST", f"{V}/commit?container={OURS}", "a run does not need this call"),
    ("POST", f"{V}/volumes/create", "a run does not need this call"),
    ("POST", f"{V}/networks/create", "a run does not need this call"),
    ("POST", f"{V}/networks/p_database/connect", "a run does not need this call"),
    ("POST", f"{V}/plugins/pull", "a run does not need this call"),
    ("POST", f"{V}/swarm/init", "a run does not need this call"),
    ("POST", f"{V}/services/create", "a run does not need this call"),
    ("POST", f"{V}/session", "a run does not need this call"),
    ("POST", f"{V}/auth", "a run does not need this call"),
    ("GET", f"{V}/info", "a run does not need this call"),
    ("GET", f"{V}/events", "a run does not need this call"),
    ("GET", f"{V}/secrets", "a run does not need this call"),
    # Path tricks.
    ("POST", f"{V}/../containers/create", "a run does not need this call"),
    ("POST", f"{V}/containers/../containers/create", "a run does not need this call"),
    ("POST", "//containers/create", "a run does not need this call"),
    ("POST", f"{V}//containers/create", "a run does not need this call"),
    ("POST", f"{V}/containers/create/", "a run does not need this call"),
    ("POST", f"{V}/containers%2Fcreate", "a run does not need this call"),
    ("POST", f"{V}/containers/%63reate", "a run does not need this call"),
    ("POST", f"{V}/containers/create%00", "a run does not need this call"),
    ("POST", f"{V}/containers/{OURS}%2F..%2F{THEIRS}/start", "a run does not need this call"),
    ("POST", f"{V}/containers/../start", "a run does not need this call"),
    ("POST", f"{V}/containers/./start", "a run does not need this call"),
    ("POST", f"{V}/Containers/Create", "a run does not need this call"),
    ("POST", f"{V}/containers/create;x=1", "a run does not need this call"),
    # Versions whose bodies mean something else.
    ("POST", "/v1.24/containers/create", "a run does not need this call"),
    ("POST", "/v1.51/containers/create", "a run does not need this call"),
    ("POST", "/v9/containers/create", "a run does not need this call"),
    ("POST", "/v1.44/v1.44/containers/create", "a run does not need this call"),
    ("POST", "/v1X44/containers/create", "a run does not need this call"),
    # Methods.
    ("GET", f"{V}/containers/create", "a run does not need this call"),
    ("PUT", f"{V}/containers/create", "a run does not need this call"),
    ("DELETE", "/_ping", "a run does not need this call"),
    ("OPTIONS", f"{V}/containers/create", "a run does not need this call"),
    # Parameters.
    ("POST", f"{V}/containers/create?name=p-postgres-1", "create takes no name=p-postgres-1"),
    ("POST", f"{V}/containers/create?platform=x", "create takes no platform=x"),
    ("POST", f"{V}/containers/{OURS}/start?checkpoint=x", "start takes no checkpoint=x"),
    ("POST", f"{V}/containers/{OURS}/stop?signal=SIGKILL", "stop takes no signal=SIGKILL"),
    ("POST", f"{V}/containers/{OURS}/stop?t=1&t=2", "the query names a parameter twice"),
    ("POST", f"{V}/containers/{OURS}/stop?t=-1", "stop takes no t=-1"),
    ("GET", f"{V}/containers/{OURS}/logs?follow=1", "logs takes no follow=1"),
    ("DELETE", f"{V}/containers/{OURS}?force=true", "remove takes no force=true"),
    ("DELETE", f"{V}/containers/{OURS}?v=1", "remove takes no v=1"),
    ("GET", f"{V}/containers/json?filters=%7B%22volume%22%3A%5B%22x%22%5D%7D", "the body may not hold volume"),
    ("GET", f"{V}/containers/json?filters=[", "the body is not JSON"),
    # Containers that are not a run of this deployment.
    ("POST", f"{V}/containers/{THEIRS}/start", "is not one of a run of this deployment"),
    ("POST", f"{V}/containers/{THEIRS}/stop?t=0", "is not one of a run of this deployment"),
    ("POST", f"{V}/containers/{THEIRS[:12]}/stop", "is not one of a run of this deployment"),
    ("GET", f"{V}/containers/{THEIRS}/json", "is not one of a run of this deployment"),
    ("GET", f"{V}/containers/{THEIRS}/logs?stdout=1", "is not one of a run of this deployment"),
    ("DELETE", f"{V}/containers/{THEIRS}", "is not one of a run of this deployment"),
]

LABELS = {"dagster/run_id": RUN_ID, "dagster/project": "p"}
# What is changed in a body that may pass, and what the refusal says.
BODIES: list[tuple[dict[str, Any], str]] = [
    (launch({"Privileged": True}), "HostConfig may not hold Privileged"),
    (launch({"privileged": True}), "HostConfig may not hold privileged"),
    (launch({"CapAdd": ["SYS_ADMIN"]}), "HostConfig may not hold CapAdd"),
    (launch({"CapDrop": ["NET_RAW"]}), "HostConfig may not hold CapDrop"),
    (launch({"Capabilities": ["ALL"]}), "HostConfig may not hold Capabilities"),
    (launch({"Devices": [{"PathOnHost": "/dev/sda"}]}), "HostConfig may not hold Devices"),
    (launch({"DeviceRequests": [{"Count": -1}]}), "HostConfig may not hold DeviceRequests"),
    (launch({"DeviceCgroupRules": ["a *:* rwm"]}), "HostConfig may not hold DeviceCgroupRules"),
    (launch({"PidMode": "host"}), "HostConfig may not hold PidMode"),
    (launch({"IpcMode": "host"}), "HostConfig may not hold IpcMode"),
    (launch({"UTSMode": "host"}), "HostConfig may not hold UTSMode"),
    (launch({"UsernsMode": "host"}), "HostConfig may not hold UsernsMode"),
    (launch({"CgroupnsMode": "host"}), "HostConfig may not hold CgroupnsMode"),
    (launch({"CgroupParent": "/"}), "HostConfig may not hold CgroupParent"),
    (launch({"SecurityOpt": ["seccomp=unconfined"]}), "HostConfig may not hold SecurityOpt"),
    (launch({"MaskedPaths": ["/none"]}), "HostConfig may not hold MaskedPaths"),
    (launch({"ReadonlyPaths": ["/none"]}), "HostConfig may not hold ReadonlyPaths"),
    (launch({"PortBindings": {"80/tcp": [{"HostPort": "80"}]}}), "HostConfig may not hold PortBindings"),
    (launch({"PublishAllPorts": True}), "HostConfig may not hold PublishAllPorts"),
    (launch({"Runtime": "evil"}), "HostConfig may not hold Runtime"),
    (launch({"Sysctls": {"net.ipv4.ip_forward": "1"}}), "HostConfig may not hold Sysctls"),
    (launch({"Ulimits": [{"Name": "nofile", "Hard": 1}]}), "HostConfig may not hold Ulimits"),
    (launch({"OomScoreAdj": -1000}), "HostConfig may not hold OomScoreAdj"),
    (launch({"OomKillDisable": True}), "HostConfig may not hold OomKillDisable"),
    (launch({"GroupAdd": ["0"]}), "HostConfig may not hold GroupAdd"),
    (launch({"ExtraHosts": ["pypi.org:10.0.0.1"]}), "HostConfig may not hold ExtraHosts"),
    (launch({"Links": ["p-postgres-1:x"]}), "HostConfig may not hold Links"),
    (launch({"VolumesFrom": ["p-postgres-1"]}), "HostConfig may not hold VolumesFrom"),
    (launch({"VolumeDriver": "evil"}), "HostConfig may not hold VolumeDriver"),
    (launch({"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]}), "HostConfig may not hold Mounts"),
    (launch({"ContainerIDFile": "/etc/cron.d/x"}), "HostConfig may not hold ContainerIDFile"),
    (launch({"LogConfig": {"Type": "syslog"}}), "HostConfig may not hold LogConfig"),
    (launch({"RestartPolicy": {"Name": "always"}}), "HostConfig may not hold RestartPolicy"),
    (launch({"AutoRemove": True}), "HostConfig may not hold AutoRemove"),
    (launch({"Tmpfs": {"/etc": "exec"}}), "HostConfig may not hold Tmpfs"),
    (launch({"Dns": ["10.0.0.1"]}), "HostConfig may not hold Dns"),
    (launch({"CpuShares": 100000}), "HostConfig may not hold CpuShares"),
    (launch({"MemorySwap": -1}), "HostConfig may not hold MemorySwap"),
    (launch({"Memory": "1g"}), "HostConfig.Memory: '1g' is not of type 'integer'"),
    (launch({"Memory": True}), "HostConfig.Memory: True is not of type 'integer'"),
    (launch({"Binds": ["/:/host"]}), "HostConfig.Binds.0: '/:/host' is not one of"),
    (launch({"Binds": ["/var/run/docker.sock:/var/run/docker.sock"]}), "HostConfig.Binds.0"),
    (launch({"Binds": ["p_secrets_postgres:/x"]}), "HostConfig.Binds.0: 'p_secrets_postgres:/x' is not one of"),
    (launch({"Binds": ["p_secrets_code:/run/secrets"]}), "HostConfig.Binds.0: 'p_secrets_code:/run/secrets' is not one of"),
    (launch({"Binds": ["other_data:/x"]}), "HostConfig.Binds.0"),
    (launch({"Binds": "/:/host"}), "HostConfig.Binds: '/:/host' is not of type 'array'"),
    (launch({"binds": ["/:/host"]}), "HostConfig may not hold binds"),
    (launch({"NetworkMode": "host"}), "HostConfig.NetworkMode: 'p_runs' was expected"),
    (launch({"NetworkMode": "container:p-launch_gateway-1"}), "HostConfig.NetworkMode: 'p_runs' was expected"),
    (launch({"NetworkMode": "p_engine"}), "HostConfig.NetworkMode: 'p_runs' was expected"),
    (launch(NetworkingConfig={"EndpointsConfig": {"p_engine": {"Aliases": ["x"]}}}), "the body may not hold NetworkingConfig"),
    (launch(hostconfig={"Privileged": True}), "the body may not hold hostconfig"),
    (launch(HostConfig=None), "the body and its HostConfig must be JSON objects"),
    (launch(HostConfig=[]), "the body and its HostConfig must be JSON objects"),
    (launch(HostConfig="x"), "the body and its HostConfig must be JSON objects"),
    (launch(User="0"), "the body may not hold User"),
    (launch(Image="evil:latest"), "Image: 'evil:latest' does not match"),
    (launch(Image="p/user_code"), "Image: 'p/user_code' does not match"),
    (launch(Image="p/user_code:local\n"), "does not match"),
    (launch(Image="evil/p/user_code:local"), "Image: 'evil/p/user_code:local' does not match"),
    (launch(Image="p/user_code:local@sha256:00"), "does not match"),
    (launch(Image=["p/user_code:local"]), "is not of type 'string'"),
    (launch(Entrypoint=["sh", "-c"]), "Entrypoint: ['python', '/opt/dagster/run.py'] was expected"),
    (launch(Cmd="id"), "Cmd: 'id' is not of type 'array'"),
    (launch(Cmd=None), "'Cmd' is a required property"),
    (launch(ExposedPorts={"80/tcp": {"x": 1}}), "the body may not hold ExposedPorts"),
    (launch(Healthcheck={"Test": ["CMD", "id"]}), "the body may not hold Healthcheck"),
    (launch(Hostname="postgres"), "the body may not hold Hostname"),
    (launch(MacAddress="02:42:ac:11:00:02"), "the body may not hold MacAddress"),
    (launch(OnBuild=["RUN id"]), "the body may not hold OnBuild"),
    (launch(Labels={"dagster/project": "p"}), "Labels: 'dagster/run_id' is a required property"),
    (launch(Labels={"dagster/run_id": RUN_ID}), "Labels: 'dagster/project' is a required property"),
    (launch(Labels={**LABELS, "dagster/project": "q"}), "Labels.dagster/project: 'p' was expected"),
    (launch(Labels={**LABELS, "com.docker.compose.project": "p"}), "com.docker.compose.project"),
    (launch(Labels={**LABELS, "dagster/run_id": "x"}), "Labels.dagster/run_id: 'x' does not match"),
    (launch(Labels=None), "'Labels' is a required property"),
]

INFO = "GET /info HTTP/1.1\r\nHost: x\r\n\r\n"
START = f"POST {V}/containers/{OURS}/start"
# Request line, headers, body; how the answer starts, and what it says.
BYTES = [
    ("GET /_ping", "Connection: Upgrade|Upgrade: tcp", "", "403", "it asks for another protocol"),
    ("GET /_ping", "Connection: Upgrade, HTTP2-Settings|Upgrade: h2c", "", "403", "it asks for another protocol"),
    (f"POST {V}/containers/{OURS}/attach", "Connection: Upgrade|Upgrade: tcp", "", "403", "it asks for another protocol"),
    ("CONNECT p-postgres-1:5432", "", "", "40", ""),
    (f"GET http://engine{V}/info", "", "", "403", "a run does not need this call"),
    # Two lengths, two codings, a length and a coding: what one server takes for a body, another takes for a request.
    ("POST /_ping", "Content-Length: 0|Content-Length: 30", INFO, "400", ""),
    ("GET /_ping", "Content-Length: 4|Transfer-Encoding: chunked", f"0\r\n\r\n{INFO}", "400", ""),
    ("GET /_ping", "Transfer-Encoding: chunked, identity", "0\r\n\r\n", "400", ""),
    ("GET /_ping", "Transfer-Encoding : chunked", "0\r\n\r\n", "400", ""),
    ("GET /_ping", "Content-Length: +0", "", "400", ""),
    ("GET /_ping", "X: y\nTransfer-Encoding: chunked", "0\r\n\r\n", "400", ""),
    (START, "Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n", "403", "start takes no body"),
    (START, "Content-Length: 2", "{}", "403", "start takes no body"),
]


def written(line: str, headers: str, body: str) -> bytes:
    """A request as bytes that no client library has put right; headers are separated by a bar."""
    return "\r\n".join([f"{line} HTTP/1.1", "Host: x", *filter(None, headers.split("|")), "", body]).encode()


@pytest.mark.parametrize(("method", "path", "said"), PATHS)
async def test_a_call_that_no_run_needs_is_refused(gateway: Setup, method: str, path: str, said: str) -> None:
    """Deny by default, judged as it was sent, and nothing but a question about the container reaches the engine."""
    body = json.dumps(launch()) if method == "POST" and "create" in path else ""
    request_ = (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    head, _, answer = (await gateway.raw(request_.encode())).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 ")
    message = json.loads(answer)["message"]
    assert message.startswith(f"launch_gateway refuses {method} ")
    assert said in message
    assert gateway.engine.acted == []


@pytest.mark.parametrize(("body", "said"), BODIES, ids=[said for _, said in BODIES])
async def test_a_container_that_a_run_does_not_need_is_refused(gateway: Setup, body: dict[str, Any], said: str) -> None:
    """With the field's name, and before the engine hears of it."""
    answer = await gateway.client.post(f"{V}/containers/create", json=body)
    assert answer.status == 403
    assert said in (await answer.json())["message"]
    assert gateway.engine.received == []


@pytest.mark.parametrize("case", BYTES)
async def test_bytes_that_two_servers_may_read_differently_go_no_further(gateway: Setup, case: tuple[str, ...]) -> None:
    """Smuggling, hijacking, other protocols."""
    line, headers, body, status, said = case
    answer = (await gateway.raw(written(line, headers, body))).decode()
    assert answer.startswith((f"HTTP/1.1 {status}", f"HTTP/1.0 {status}")), answer
    assert said in answer
    assert gateway.engine.acted == []


DOUBTFUL = [
    (b'{"Image": "p/user_code:local", "Image": "evil"}', "application/json", "the body names a field twice"),
    (json.dumps(launch()).encode()[:-1] + b', "HostConfig": {"Privileged": true}}', "application/json", "names a field twice"),
    (b'{"HostConfig": {"Binds": [], "Binds": ["/:/host"]}}', "application/json", "the body names a field twice"),
    (b"", "application/json", "the body is not JSON"),
    (b"null", "application/json", "must be JSON objects"),
    (b"[]", "application/json", "must be JSON objects"),
    (b'{"HostConfig": {"Memory": NaN}}', "application/json", "the body holds NaN"),
    (b'{"Image": "\xff"}', "application/json", "the body is not JSON"),
    (json.dumps(launch()).encode("utf-16"), "application/json", "the body is not JSON"),
    (b"[" * 100_000, "application/json", "the body is not JSON"),
    (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "application/json", "the body is"),
    (b'{"a":' * 700 + b"1" + b"}" * 700, "application/json", "the body is nested too deeply"),
    (json.dumps(launch()).encode(), "text/plain", "the body must be application/json"),
    (json.dumps(launch()).encode(), "application/x-tar", "the body must be application/json"),
    (b"x" * (256 * 1024 + 1), "application/json", "the body is larger than 262,144 bytes"),
]


@pytest.mark.parametrize(("body", "content_type", "said"), DOUBTFUL, ids=range(len(DOUBTFUL)))
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_doubtful_body_is_refused(gateway: Setup, body: bytes, content_type: str, said: str, *, chunked: bool) -> None:
    """In one piece, or in chunks whose sum nobody announced."""

    async def pieces() -> Any:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    data = pieces() if chunked else body
    answer = await gateway.client.post("/containers/create", data=data, headers={"Content-Type": content_type})
    assert answer.status == 403
    assert said in (await answer.json())["message"]
    assert gateway.engine.received == []


async def test_a_container_that_does_not_exist_is_not_found(gateway: Setup) -> None:
    """As the engine says it: the launcher asks for the containers of runs that are long gone."""
    answer = await gateway.client.get(f"{V}/containers/{NOBODYS}/json")
    assert (answer.status, await answer.json()) == (404, {"message": f"No such container: {NOBODYS}"})


def test_the_table_is_as_long_as_it_should_be() -> None:
    """Each line is a trick of its own."""
    assert len(PATHS) + len(BODIES) + len(BYTES) + len(DOUBTFUL) >= 160
    assert len({(method, path) for method, path, _ in PATHS}) == len(PATHS)
