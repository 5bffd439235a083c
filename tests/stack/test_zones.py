"""Networks as zones of trust: a container in each, and what it reaches."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator

import pytest

from operate.compose import run
from tests.stack.conftest import PROJECT, Stack
from tests.stack.database import ASK, asked
from tests.unit.test_imports import IMPORTS, OF_A_RUN

PORTS = {
    "postgres": 5432,
    "connection_pool": 5432,
    "run_connection_pool": 5432,
    "launch_gateway": 2375,
    "user_code": 4000,
    "webserver": 3000,
}
REACHES = {
    "public": {"webserver", "outside"},
    "database": {"postgres", "connection_pool", "run_connection_pool"},
    "storage": {"connection_pool"},
    "code": {"user_code"},
    "engine": {"launch_gateway"},
    "runs": {"run_connection_pool"},
    "runs_egress": {"run_connection_pool", "outside"},
    "outside": {"outside"},
}
# Tries every address of every name, all at once, since most of them never answer: prints what accepts a connection.
PROBE = """
import concurrent.futures, json, socket, sys
def accepting(name, address, port):
    try:
        socket.create_connection((address, port), 2).close()
    except OSError:
        return None
    return name
places = [(name, *place) for name, places in json.loads(sys.argv[1]).items() for place in places]
with concurrent.futures.ThreadPoolExecutor(len(places)) as pool:
    print(json.dumps(sorted(set(pool.map(accepting, *zip(*places))) - {None})))
"""


@pytest.fixture(scope="module")
def places(stack: Stack) -> Iterator[dict[str, list[tuple[str, int]]]]:
    """Every address of every service, and one outside: this machine's in a network that leads there."""
    ids = stack.compose("ps", "--quiet").split()
    found: dict[str, list[tuple[str, int]]] = {}
    for item in json.loads(run(["docker", "inspect", *ids], capture=True)):
        name = item["Config"]["Labels"]["com.docker.compose.service"]
        if name in PORTS:
            networks = item["NetworkSettings"]["Networks"].values()
            found[name] = [(network["IPAddress"], PORTS[name]) for network in networks]
    (egress,) = json.loads(run(["docker", "network", "inspect", f"{PROJECT}_runs_egress"], capture=True))
    with socketserver.TCPServer((egress["IPAM"]["Config"][0]["Gateway"], 0), socketserver.BaseRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield {**found, "outside": [server.server_address]}
        server.shutdown()
        thread.join()


def reached(network: str, places: dict[str, list[tuple[str, int]]]) -> set[str]:
    image = f"{PROJECT}/dagster:local"
    command = ["docker", "run", "--rm", "--network", network, "--entrypoint", "python", image, "-c", PROBE, json.dumps(places)]
    return set(json.loads(run(command, capture=True)))


@pytest.mark.parametrize("zone", REACHES)
def test_a_container_in_a_zone_reaches_this_and_nothing_else(zone: str, places: dict[str, list[tuple[str, int]]]) -> None:
    """The test uses addresses, because a name that does not resolve proves nothing."""
    assert reached(f"{PROJECT}_{zone}", places) == REACHES[zone]


def test_every_zone_has_its_test(stack: Stack) -> None:
    """A network that is added needs a line in the table."""
    networks = json.loads(stack.compose("config", "--format", "json"))["networks"]
    assert set(networks) == set(REACHES)


def test_a_run_is_in_the_zone_without_a_way_out(still: Stack) -> None:
    """RUN_EGRESS is deny by default."""
    assert networks_of_a_run(still) == [f"{PROJECT}_runs"]


def networks_of_a_run(stack: Stack) -> list[str]:
    """Returns the networks of the run's container."""
    container = stack.succeeds("quick_job").tags["docker/container_id"]
    (described,) = json.loads(run(["docker", "inspect", container], capture=True))
    return list(described["NetworkSettings"]["Networks"])


def test_a_run_that_may_reach_the_outside_is_in_the_zone_with_a_way_out(still: Stack) -> None:
    """The gateway puts it there, whatever the launcher asks for."""
    before = dict(still.environ)
    try:
        still.environ["RUN_EGRESS"] = "allow"
        still.up()
        assert networks_of_a_run(still) == [f"{PROJECT}_runs_egress"]
    finally:
        still.environ = before
        still.up()


def test_no_process_is_root_but_where_the_reason_is_written(stack: Stack) -> None:
    """As the kernel sees them."""
    users = {service: stack.compose("exec", "-T", service, "id", "-u").strip() for service in (*PORTS, "daemon")}
    assert users == {**dict.fromkeys((*PORTS, "daemon"), "10001"), "postgres": "999", "launch_gateway": "0"}


DENIED = [
    "DELETE FROM event_logs",
    "DELETE FROM runs",
    "UPDATE event_logs SET event = ''",
    "INSERT INTO runs (run_id) VALUES ('x')",
    "UPDATE runs SET run_id = 'x'",
    "UPDATE runs SET pipeline_name = 'x'",
    "UPDATE asset_keys SET wipe_timestamp = now()",
    "UPDATE run_tags SET run_id = 'x'",
    "UPDATE instigators SET status = 'STOPPED'",
    "INSERT INTO job_ticks (status) VALUES ('x')",
    "INSERT INTO bulk_actions (key) VALUES ('x')",
    "DELETE FROM asset_keys",
    "UPDATE daemon_heartbeats SET body = ''",
    "UPDATE kvs SET value = ''",
    "UPDATE alembic_version SET version_num = ''",
    "TRUNCATE event_logs",
    "DROP TABLE runs",
    "ALTER TABLE runs ADD COLUMN x int",
    "CREATE TABLE mine (x int)",
    "CREATE SCHEMA mine",
    "CREATE TEMPORARY TABLE mine (x int)",
    "CREATE ROLE mine",
    "ALTER ROLE dagster_run SUPERUSER",
    "SET ROLE dagster",
    "COPY runs TO PROGRAM 'id'",
    "SELECT pg_read_file('/etc/passwd')",
]


def test_user_code_changes_nothing_in_dagster_s_database_but_what_a_run_reports(stack: Stack) -> None:
    """42501: insufficient privilege; 3F000 would be a missing schema."""
    assert asked(stack, "dagster", *DENIED) == ["42501"] * len(DENIED)
    assert asked(stack, "dagster", "SELECT count(*) FROM runs", "UPDATE runs SET status = status WHERE false") == ["done", "done"]


def test_the_pool_of_user_code_knows_no_other_role(stack: Stack) -> None:
    """A stolen password of Dagster's own role must be useless there."""
    users = stack.compose("exec", "-T", "run_connection_pool", "cat", "/run/secrets/userlist.txt").splitlines()
    assert [line.split('"')[1] for line in users] == ["dagster_run", "warehouse"]
    said = stack.refused("exec", "-T", "user_code", "python", "-c", ASK, "template1", "SELECT 1")
    assert "FATAL:  no such database: template1" in said


def test_the_role_of_runs_is_for_dagster_s_database_only(stack: Stack) -> None:
    """The warehouse has a role of its own, which does not know Dagster's database."""
    said = stack.refused("exec", "-T", "user_code", "python", "-c", ASK, "warehouse", "SELECT 1")
    assert 'FATAL:  permission denied for database "warehouse"' in said
    passwords = stack.compose("exec", "-T", "user_code", "cat", "/run/secrets/pgpass")
    assert [line.split(":")[3] for line in passwords.splitlines()] == ["dagster_run", "warehouse"]


def test_nothing_that_a_run_imports_installs_an_audit_hook(stack: Stack) -> None:
    """In the image: its Python is the one that counts."""
    answer = stack.compose("exec", "-T", "user_code", "python", "-c", IMPORTS, *OF_A_RUN)
    assert json.loads(answer)["hooks"] == []
