"""Each network is a zone of trust. A container in a zone reaches only the services that it needs."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator

import pytest

from operate.compose import run
from tests.stack.conftest import PROJECT, Stack
from tests.stack.database import ASK, query
from tests.stack.reaching import Places, addresses, reached_services
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


@pytest.fixture(scope="module")
def places(stack: Stack) -> Iterator[Places]:
    """Yields all addresses of each service. `outside` is an address of this machine, in a network with a way out."""
    found = addresses(stack.compose("ps", "--quiet").split(), PORTS)
    (egress,) = json.loads(run(["docker", "network", "inspect", f"{PROJECT}_runs_egress"], capture=True))
    with socketserver.TCPServer((egress["IPAM"]["Config"][0]["Gateway"], 0), socketserver.BaseRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield {**found, "outside": [server.server_address]}
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("zone", REACHES)
def test_container_in_a_zone_reaches_only_the_listed_services(zone: str, places: Places) -> None:
    """Attackers in a container must get no further. The test uses addresses, because an unresolved name proves nothing."""
    assert reached_services(PROJECT, zone, places) == REACHES[zone]


def test_table_of_zones_lists_every_network(stack: Stack) -> None:
    """A new network without a line in the table would have no test."""
    networks = json.loads(stack.compose("config", "--format", "json"))["networks"]
    assert set(networks) == set(REACHES)


def test_run_joins_only_the_network_runs_by_default(still: Stack) -> None:
    """RUN_EGRESS is `deny` by default, so user code cannot send data outside."""
    assert networks_of_a_run(still) == [f"{PROJECT}_runs"]


def networks_of_a_run(stack: Stack) -> list[str]:
    """Returns the networks of a run's container."""
    container = stack.succeeds("quick_job").tags["docker/container_id"]
    (described,) = json.loads(run(["docker", "inspect", container], capture=True))
    return list(described["NetworkSettings"]["Networks"])


def test_run_joins_only_the_network_runs_egress_if_egress_is_allowed(still: Stack) -> None:
    """The gateway chooses the network, and ignores the launcher's choice."""
    before = dict(still.environ)
    try:
        still.environ["RUN_EGRESS"] = "allow"
        still.up()
        assert networks_of_a_run(still) == [f"{PROJECT}_runs_egress"]
    finally:
        still.environ = before
        still.up()


def test_only_the_launch_gateway_runs_as_root(stack: Stack) -> None:
    """Attackers in a container have the rights of its user. The test asks the kernel, because the Compose text may be wrong."""
    users = {service: stack.exec(service, "id", "-u").strip() for service in (*PORTS, "daemon")}
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


def test_role_of_runs_changes_only_rows_that_a_run_reports(stack: Stack) -> None:
    """User code must not change the history. 42501 means a missing privilege, and 3F000 would mean a missing schema."""
    assert query(stack, "dagster", *DENIED) == ["42501"] * len(DENIED)
    assert query(stack, "dagster", "SELECT count(*) FROM runs", "UPDATE runs SET status = status WHERE false") == ["done", "done"]


def test_run_connection_pool_accepts_no_other_role(stack: Stack) -> None:
    """A stolen password of Dagster's own role must be useless in this pool."""
    users = stack.exec("run_connection_pool", "cat", "/run/secrets/userlist.txt").splitlines()
    assert [line.split('"')[1] for line in users] == ["dagster_run", "warehouse", "dagster_monitor", "outputs_user_code"]
    said = stack.exec_refused("user_code", "python", "-c", ASK, "template1", "SELECT 1")
    assert "FATAL:  no such database: template1" in said


def test_role_of_runs_cannot_connect_to_the_warehouse(stack: Stack) -> None:
    """The warehouse has its own role, which has no rights in Dagster's database."""
    said = stack.exec_refused("user_code", "python", "-c", ASK, "warehouse", "SELECT 1")
    assert 'FATAL:  permission denied for database "warehouse"' in said
    passwords = stack.exec("user_code", "cat", "/run/secrets/pgpass")
    assert [line.split(":")[3] for line in passwords.splitlines()] == ["dagster_run", "warehouse", "outputs_user_code"]


def test_imports_of_a_run_install_no_audit_hook_in_the_image(stack: Stack) -> None:
    """A hook would slow down each run. Runs import the packages of the image, not those of this machine."""
    answer = stack.exec("user_code", "python", "-c", IMPORTS, *OF_A_RUN)
    assert json.loads(answer)["hooks"] == []
