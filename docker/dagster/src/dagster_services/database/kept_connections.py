"""Lets webserver and daemon keep their connections to the database.

Dagster's daemon opens a connection for each query: a sixth of its processor time at rest, and half of the connection pool's.
The webserver keeps some, and notices only by an error in the UI that the database was restarted.
A question before each use costs less, and replaces a connection that broke.
"""

from __future__ import annotations

from typing import Any

from dagster_postgres.event_log import event_log
from dagster_postgres.run_storage import run_storage
from dagster_postgres.schedule_storage import schedule_storage
from dagster_postgres.utils import create_pg_engine

from dagster_deployment.mending import replace

STORAGES: tuple[Any, ...] = (event_log, run_storage, schedule_storage)
# For each of the three storages. Threads that need another one at the same moment open it for one query.
KEPT = 2
# As Dagster's webserver: a firewall may forget an older connection.
KEPT_SECONDS = 3600


def create_engine(url: str, token_provider: Any = None, **options: Any) -> Any:
    """Dagster's engine, which keeps connections and asks before it uses one."""
    options.pop("poolclass", None)
    kept = {"pool_size": KEPT, "max_overflow": -1, "pool_recycle": KEPT_SECONDS, **options, "pool_pre_ping": True}
    return create_pg_engine(url, token_provider, **kept)


def keep_connections() -> None:
    """Applies the change to this whole process."""
    for storage in STORAGES:
        replace(storage, "create_pg_engine", create_engine)
