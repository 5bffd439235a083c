"""The broker between launcher and workers: its connections, its queues, and the options that both sides of Celery need.

Each code location has a prefix for its keys, and a user of the broker that can use no other: dagster_services.secrets.broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from celery import Celery
from redis.backoff import NoBackoff
from redis.retry import Retry

from dagster_deployment.leases import Lease

PASSWORD_FILE = "/run/secrets/broker_password"  # noqa: S105 - the file's name
# The task that executes a run. Its only arguments are the ids of run and task.
TASK = "dagster.execute_run"
# The tag of a run with the id of its last launch, which is that of its Celery task. It begins with the run's own id: a retry
# has all tags of the run that it repeats.
TASK_TAG = "dagster/worker_task"
# A worker that is silent for so long is lost: its runs are failed, and started again.
LOST_SECONDS = 30
# Without time-outs, a broker that vanishes without closing its connections blocks the thread that calls it.
TIMEOUT_SECONDS = 5
CLIENT_TIMEOUT_SECONDS = 2
TRANSPORT: Mapping[str, Any] = {
    "socket_timeout": TIMEOUT_SECONDS,
    "socket_connect_timeout": TIMEOUT_SECONDS,
    "socket_keepalive": True,
    # A worker whose connection hangs notices it after this many seconds.
    "health_check_interval": 15,
    # A message leaves the broker when a worker takes it. Kombu's way to hand it out again needs scripts, which the broker
    # refuses. A run whose message is lost with a worker is failed by the launcher, and started again.
    "ack_emulation": False,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}
CELERY: Mapping[str, Any] = {
    # Dagster's storage holds the state of a run, and a lease says who executes it: leases.py.
    "task_ignore_result": True,
    # With late confirmation, the broker would hand out a run again while it is executed.
    "task_acks_late": False,
    "worker_prefetch_multiplier": 1,
    # A worker takes a run when a slot is free, not before: another worker may be free earlier.
    "worker_disable_prefetch": True,
    # A broadcast could stop every worker: whoever has a password of the broker could send one.
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "worker_redirect_stdouts": False,
    "worker_hijack_root_logger": False,
    "enable_utc": True,
}


def queue_of(image: str) -> str:
    """The queue of the runs of an image: a run executes the code that it was launched with."""
    return f"queue.{image.rpartition(':')[2]}"


def worker_user(location: str) -> str:
    """The broker's user for the workers of a code location."""
    return f"worker_{location}"


@dataclass(frozen=True)
class Broker:
    """How a process reaches the broker."""

    host: str
    user: str
    password: str = field(repr=False)
    lost_seconds: int = LOST_SECONDS
    port: int = 6379

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Broker:
        """The broker that the environment names; the password is in a file.

        Raises:
            KeyError: the environment names none.
            OSError: there is no file with the password.
            ValueError: WORKER_LOST_SECONDS is not a whole number.
        """
        file = Path(environ.get("BROKER_PASSWORD_FILE", PASSWORD_FILE))
        user = environ.get("BROKER_USER") or worker_user(environ["CODE_LOCATION"])
        seconds = int(environ.get("WORKER_LOST_SECONDS", LOST_SECONDS))
        return cls(environ["BROKER_HOST"], user, file.read_text().strip(), seconds)

    def client(self) -> redis.Redis:
        """A client, which connects at its first call."""
        return redis.Redis(
            host=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            socket_timeout=CLIENT_TIMEOUT_SECONDS,
            socket_connect_timeout=CLIENT_TIMEOUT_SECONDS,
            # By default a call tries ten times more: a minute, in which a slot would not notice that it is cut off.
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            # User code may write anything.
            encoding_errors="replace",
        )

    def lease(self, client: redis.Redis, location: str, task: str) -> Lease:
        """The lease of one launch of a run."""
        return Lease(client, location, task, self.lost_seconds)

    def celery(self, location: str) -> Celery:
        """The Celery application of a code location."""
        url = f"redis://{quote(self.user)}:{quote(self.password)}@{self.host}:{self.port}/0"
        app = Celery("dagster", broker=url, set_as_current=False)
        options = {**TRANSPORT, "global_keyprefix": f"{location}:"}
        app.conf.update({**CELERY, "broker_transport_options": options})
        return app
