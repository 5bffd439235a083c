"""User code has the password of its worker. It can harm the queue of its own code location, and nothing else."""

from __future__ import annotations

import json
import re

import pytest

from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(300)
ASK = """import json, sys
from pathlib import Path
import redis
password = Path("/run/secrets/broker_password").read_text().strip()
client = redis.Redis("broker", username="worker_user_code", password=password, socket_timeout=5)
answers = []
for command in json.loads(sys.argv[1]):
    try:
        answers.append(repr(client.execute_command(*command)))
    except redis.RedisError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""
REFUSAL = re.compile("No permissions|has no permissions|not allowed")
REFUSED = [
    ["LPUSH", "other:queue.local", "x"],
    ["GET", "other:lease.1"],
    ["DEL", "other:lease.1"],
    ["KEYS", "*"],
    ["SCAN", "0"],
    ["FLUSHALL"],
    ["CONFIG", "SET", "appendonly", "no"],
    ["ACL", "LIST"],
    ["SHUTDOWN"],
    ["CLIENT", "LIST"],
    ["MONITOR"],
    ["PUBLISH", "/0.celery.pidbox", "x"],
    ["SUBSCRIBE", "/0.celery.pidbox"],
    ["DEBUG", "SLEEP", "60"],
    ["EVAL", "while true do end", "0"],
    ["REPLICAOF", "other", "6379"],
    ["MODULE", "LIST"],
]


def answers(stack: Stack, commands: list[list[str]]) -> list[str]:
    """Returns the broker's answers to commands of user code."""
    found: list[str] = json.loads(stack.exec("user_code_worker", "python", "-c", ASK, json.dumps(commands)).splitlines()[-1])
    return found


def test_user_code_reaches_only_the_keys_of_its_code_location(still: Stack) -> None:
    """It must not stop the broker, read its users, or touch the runs of another code location."""
    said = answers(still, REFUSED)
    allowed = [command for command, answer in zip(REFUSED, said, strict=True) if not REFUSAL.search(answer)]
    assert allowed == [], dict(zip(map(str, REFUSED), said, strict=True))


def test_message_that_user_code_invents_starts_no_run(still: Stack) -> None:
    """Only Dagster starts runs. A worker executes a message only if Dagster's database names it."""
    done = still.succeeds("quick_job")
    task = done.tags["dagster/worker_task"]
    forged = FORGED.replace("@RUN@", done.run_id).replace("@TASK@", task)
    before = len(still.client.events(done.run_id))
    still.exec("user_code_worker", "python", "-c", forged)
    still.succeeds("quick_job")
    assert f"run {done.run_id} is not executed: it is success" in still.compose("logs", "user_code_worker")
    assert len(still.client.events(done.run_id)) == before


# The worker's own application sends the same message that the launcher sent.
FORGED = """import os
from dagster_deployment.broker import TASK, Broker, queue_of
app = Broker.from_environment(os.environ).celery("user_code")
app.send_task(TASK, ["@RUN@", "@TASK@"], queue=queue_of(os.environ["DAGSTER_CURRENT_IMAGE"]), retry=False)
"""


def test_false_workers_of_user_code_do_not_stop_the_queue(still: Stack) -> None:
    """Workers say how many slots they have, with a password that user code has too."""
    still.exec("user_code_worker", "python", "-c", INVENT)
    still.succeeds("quick_job")
    still.exec("user_code_worker", "python", "-c", REMOVE)


# No text, no worker, and more slots than there can be; from now until the end of time.
INVENT = """import os
from dagster_deployment.broker import Broker
client = Broker.from_environment(os.environ).client()
soon = client.time()[0] + 15
false = {b"\\xff": soon, b"q": soon, b"q|h|n|" + b"9" * 5000: soon, b"q|h|n|-1": soon, b"q|h|n|999999": soon, b"q|h|n|9": 9e12}
client.zadd("user_code:workers", false)
"""
REMOVE = """import os
from dagster_deployment.broker import Broker
client = Broker.from_environment(os.environ).client()
client.delete("user_code:workers")
"""


def test_broker_keeps_no_key_of_ended_runs(still: Stack) -> None:
    """Keys that nobody removes would fill its memory after months."""
    still.succeeds("quick_job")
    for _ in range(10):
        still.succeeds("quick_job")
    still.quiet()
    left = still.exec("daemon", "python", "-c", KEYS)
    of_queue = {"_kombu.binding.queue.local", "_kombu.binding_permanent.queue.local", "workers"}
    assert set(json.loads(left)) - {"user_code:unacked_mutex"} == {f"user_code:{name}" for name in of_queue}


KEYS = """import json, os
from dagster_deployment.broker import Broker
client = Broker.from_environment(os.environ).client()
print(json.dumps(sorted(client.scan_iter("*"))))
"""
