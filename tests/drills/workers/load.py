"""Many runs in the queue, faults of services meanwhile, and what became of the runs."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from dagster_api.runs import ENDED, Run
from dagster_api.waiting import seen, wait_for
from operate.compose import ROOT, run
from tests.stack.conftest import Stack

# `make test-drills RUNS=100` sets it.
THOROUGH = "FAULT_RUNS" in os.environ
RUNS = int(os.environ.get("FAULT_RUNS", "12"))
# Attempts of one run whose rows interleave: both were executed at the same time.
DOUBLES = """SELECT a.run, b.run FROM (SELECT root, run, min(at) AS first, max(at) AS last FROM ticks GROUP BY 1, 2) a
JOIN (SELECT root, run, min(at) AS first, max(at) AS last FROM ticks GROUP BY 1, 2) b
ON a.root = b.root AND a.run <> b.run AND a.first <= b.first AND b.first < a.last"""


# Dagster's compute logs: the step's output goes through pipes.
LINE = '{"'


@dataclass(frozen=True)
class Load:
    """Runs that were launched together."""

    stack: Stack
    name: str
    roots: tuple[str, ...]

    def attempts(self) -> dict[str, list[Run]]:
        """Returns all attempts of each run, the newest first."""
        found: dict[str, list[Run]] = {}
        # Retries have the tags of their run. The newest run comes first.
        for each in self.stack.client.runs(limit=1000, tags=[{"key": "load", "value": self.name}]):
            found.setdefault(each.tags.get("dagster/root_run_id", each.run_id), []).append(each)
        return found

    def wait_until_under_way(self) -> None:
        """Waits until some runs have started while others are in the queue."""

        def under_way() -> bool:
            statuses = Counter(runs[0].status for runs in self.attempts().values())
            return seen(statuses["STARTED"] > 1 and statuses["QUEUED"] > 0, dict(statuses))

        wait_for("runs under way", under_way, seconds=60, every=0.1)

    def wait_until_none_is_executed(self) -> None:
        """Waits until the runs that a worker executes have ended. It asks the database: the webserver may be frozen."""
        ids = ", ".join(f"'{root}'" for root in self.roots)
        query = f"SELECT count(*) FROM runs WHERE status = 'STARTED' AND run_id IN ({ids})"
        psql = ("postgres", "psql", "--username=postgres", "--dbname=dagster", "--tuples-only", "--no-align")

        def none() -> bool:
            count = self.stack.exec(*psql, "--command", query).strip()
            return seen(count == "0", count)

        wait_for("the end of all runs under way", none, seconds=120, every=1)

    def wait(self, seconds: float) -> dict[str, list[Run]]:
        """Waits until every run or one of its retries has succeeded, and none is in progress. Returns all attempts."""

        def ended() -> dict[str, list[Run]]:
            attempts = self.attempts()
            undone = {runs[0].run_id: runs[0].status for runs in attempts.values() if not self._is_done(runs[0])}
            waiting = [each for runs in attempts.values() for each in runs if each.status not in ENDED]
            stories = [self.stack.client.story(run_id) for run_id, status in undone.items() if status == "FAILURE"]
            return seen(None if waiting or undone else attempts, (undone, stories))

        return wait_for("the success of every run", ended, seconds=seconds, every=1)

    def _is_done(self, newest: Run) -> bool:
        """Returns whether a run's work is done. A run that is killed after its last step has nothing to retry.

        `test_run_killed_after_its_last_step_fails_and_has_nothing_to_retry` shows such a run.
        """
        if newest.status == "FAILURE":
            return set(self.stack.client.run(newest.run_id).steps.values()) == {"SUCCESS"}
        return newest.status == "SUCCESS"

    def doubles(self) -> list[str]:
        """Returns the pairs of attempts that were executed at the same time."""
        return self.stack.warehouse(DOUBLES)


def load(stack: Stack, count: int = RUNS, seconds: float = 0.5) -> Load:
    """Launches runs."""
    stack.succeeds("tick_table_job")
    config = {"ops": {"tick": {"config": {"seconds": seconds}}}}
    name = str(uuid4())
    roots = [stack.client.launch("tick_job", config=config, tags={"load": name}) for _ in range(count)]
    return Load(stack, name, tuple(roots))


def printed(stack: Stack, run_id: str) -> dict[str, Any]:
    """Returns the line of JSON that a run has printed."""
    found: dict[str, Any] = json.loads(
        next(line for line in stack.client.output(run_id)[0].splitlines() if line.startswith(LINE))
    )
    return found


def container(stack: Stack, service: str) -> str:
    """Returns the id of a service's container."""
    return stack.compose("ps", "--all", "--quiet", service).strip()


def crash(stack: Stack, service: str) -> None:
    """Kills a service with SIGKILL. Docker restarts it."""
    stack.exec(service, "sh", "-c", "kill -9 -1", check=False)


def freeze(stack: Stack, service: str) -> None:
    """Stops all processes of a service, as SIGSTOP does."""
    run(["docker", "pause", container(stack, service)], capture=True)


def thaw(stack: Stack, service: str) -> None:
    """Continues all processes of a service."""
    run(["docker", "unpause", container(stack, service)], capture=True)


# Kills the slots of the worker, which are its children, or the processes of its runs, which are theirs.
KILL = """import os, signal, sys
processes = {}
for name in filter(str.isdecimal, os.listdir("/proc")):
    try:
        fields = open(f"/proc/{name}/stat").read().rpartition(")")[2].split()
        line = open(f"/proc/{name}/cmdline").read()
    except OSError:
        continue
    processes[int(name)] = (int(fields[1]), line)
main = next(pid for pid, (parent, line) in processes.items() if "dagster_worker.start" in line and parent == 1)
slots = [pid for pid, (parent, _) in processes.items() if parent == main]
runs = [pid for pid, (parent, _) in processes.items() if parent in slots]
for pid in {"slots": slots, "runs": runs}[sys.argv[1]]:
    os.kill(pid, signal.SIGKILL)
"""


def kill_processes(stack: Stack, kind: str) -> None:
    """Kills the slots of the worker, or the processes of its runs."""
    stack.exec("user_code_worker", "python", "-c", KILL, kind)


def wait_until_well(stack: Stack) -> None:
    """Waits until every service is healthy again."""

    def well() -> bool:
        made = subprocess.run(
            ["docker", "compose", "-p", stack.project, "up", "--detach", "--wait", "--no-recreate", "--wait-timeout", "120"],
            cwd=ROOT, env=stack.environ, text=True, capture_output=True, check=False,
        )  # fmt: skip
        return seen(made.returncode == 0, made.stderr[-1000:])

    wait_for("all services healthy", well, seconds=240)
