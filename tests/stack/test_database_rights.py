"""User code attacks the databases with the rights of a run, and the deployment limits the damage."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

import pytest

from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.conftest import repository_text
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(400)
CONNECT = """
import sys, threading, time, psycopg2
def connect(role, database):
    connection = psycopg2.connect(host="run_connection_pool", user=role, dbname=database)
    connection.autocommit = True
    return connection
def ask(connection, *statements):
    try:
        for statement in statements:
            cursor = connection.cursor()
            cursor.execute(statement)
        return "done"
    except psycopg2.Error as error:
        return str(error.pgcode)
"""
STATEMENTS = """
print(ask(connect(sys.argv[1], sys.argv[2]), *sys.argv[3:]))
"""
# Three sessions sort 400 MB each, and Postgres has 1 GiB. A crash of Postgres would end the session of the witness.
GREEDY = """
witness = connect("warehouse", "warehouse")
said = [ask(witness, "SELECT 1")]
sort = "SELECT count(*) FROM (SELECT g, repeat('x', 100) FROM generate_series(1, 3000000) g ORDER BY 2, 1 DESC) s"
def take():
    said.append(ask(connect("warehouse", "warehouse"), "SET work_mem = '900MB'", sort))
threads = [threading.Thread(target=take) for _ in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(*said, ask(witness, "SELECT 1"))
"""
LEAK = """
leaked = []
try:
    while True:
        leaked.append(connect("warehouse", "warehouse"))
except psycopg2.OperationalError as error:
    print(len(leaked), "max_user_client_connections" in str(error), ask(connect("dagster_run", "dagster"), "SELECT 1"))
"""


def run_in_user_code(stack: Stack, program: str, *arguments: str) -> str:
    """Returns the output of a program that runs in the container `user_code`, with the rights of a run."""
    return stack.exec("user_code", "python", "-c", CONNECT + program, *arguments).strip()


def health(stack: Stack) -> tuple[bool, str]:
    """Does what Docker does for a health check of the code server. Returns whether it succeeded, and its message."""
    container = stack.compose("ps", "--quiet", "user_code").strip()
    (described,) = json.loads(run(["docker", "inspect", container], capture=True))
    command = ["docker", "exec", container, *described["Config"]["Healthcheck"]["Test"][1:]]
    ended = subprocess.run(command, text=True, capture_output=True, check=False)
    return ended.returncode == 0, ended.stdout


def test_malicious_view_gains_no_rights_from_an_operator_who_reads_it(stack: Stack) -> None:
    """User code can create views. The documented psql command gives a view only the rights that user code already has."""
    trojan = """CREATE OR REPLACE FUNCTION public.trojan() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
        CREATE TEMPORARY TABLE loot (line text); COPY loot FROM PROGRAM 'id'; RETURN (SELECT line FROM loot); END $$"""
    view = "CREATE OR REPLACE VIEW public.planted_view AS SELECT public.trojan()"
    assert run_in_user_code(stack, STATEMENTS, "warehouse", "warehouse", trojan, view) == "done"
    (psql,) = re.findall(r"`docker compose exec postgres (psql -U warehouse [^`]+)`", repository_text("docs/operating.md"))
    try:
        with pytest.raises(AssertionError, match="permission denied to COPY to or from an external program"):
            stack.exec("postgres", *shlex.split(psql), "--command", "SELECT * FROM public.planted_view")
        with pytest.raises(AssertionError, match="permission denied to COPY to or from an external program"):
            stack.warehouse("SELECT * FROM public.planted_view")
    finally:
        stack.warehouse("DROP FUNCTION public.trojan() CASCADE")


def test_code_server_reports_a_changed_role_and_the_service_roles_restores_it(still: Stack) -> None:
    """A run can change its own role. After that no run can report, so one command must repair the role."""
    spoil = ("ALTER ROLE dagster_run SET search_path = nowhere", "ALTER ROLE dagster_run PASSWORD 'mine'")
    assert run_in_user_code(still, STATEMENTS, "dagster_run", "dagster", *spoil) == "done"
    try:
        # Without a restart, the pool would use its open connections for another minute.
        still.compose("restart", "run_connection_pool")
        is_healthy, said = health(still)
        assert not is_healthy
        assert said.startswith("dagster_run cannot use the database dagster: ")
        assert said.endswith("`docker compose start roles` sets right a role that user code has changed.\n")
    finally:
        still.compose("start", "roles")
    wait_for("a healthy code server", lambda: seen(health(still)[0], health(still)), seconds=60)
    still.succeeds("quick_job")


def test_queries_that_exceed_the_memory_do_not_end_other_sessions(stack: Stack) -> None:
    """A crash of Postgres would end all sessions. 53200 means out of memory."""
    assert run_in_user_code(stack, GREEDY).split() == ["done", "53200", "53200", "53200", "done"]


def test_run_that_leaks_warehouse_connections_leaves_connections_for_dagster(still: Stack) -> None:
    """All other runs must still report. The health check may hold one of the 450 connections."""
    leaked, *others = run_in_user_code(still, LEAK).split()
    assert int(leaked) in {449, 450}
    assert others == ["True", "done"]
