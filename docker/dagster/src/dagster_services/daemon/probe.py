"""Health of the daemon: has every thread of the running process written a recent heartbeat?

`dagster-daemon liveness-check` asks the same, but costs 1.3 s of CPU and tolerates half an hour of silence by default.
"""

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import psycopg2

# Threads write every 30 s. Three more probes must fail before a restart: a thread has been silent for three minutes then.
SILENCE_SECONDS = 90
# These write between two of their tasks only: they submit a backfill's runs, or evaluate the automation of all assets. The
# limit is that of Dagster's own liveness check.
LONG_SECONDS = 1_800
LONG = ("ASSET", "BACKFILL")
# A database that hangs must not look like a daemon that hangs.
DATABASE_SECONDS = 12
# Rows of an earlier process do not count: it may have been stopped a moment ago, and its daemons may be switched off since.
HEARTBEATS = """
    SELECT daemon_type, extract(epoch FROM (now() AT TIME ZONE 'utc') - timestamp) FROM daemon_heartbeats
    WHERE daemon_id = (SELECT daemon_id FROM daemon_heartbeats ORDER BY timestamp DESC LIMIT 1) ORDER BY daemon_type
"""


def age_of_container() -> float:
    """The seconds since the start of this container's first process: proc(5)."""
    started = int(Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return float(Path("/proc/uptime").read_text().split()[0]) - started


def problem(silences: Mapping[str, float], age: float) -> str | None:
    """What is wrong with daemons that have been silent for so many seconds, in a container of an age; None if nothing is."""
    if min(silences.values(), default=age) >= min(age, SILENCE_SECONDS):
        return f"no daemon has written a heartbeat for {min(age, SILENCE_SECONDS):.0f} s"
    silent = [name for name, seconds in silences.items() if seconds > (LONG_SECONDS if name in LONG else SILENCE_SECONDS)]
    return f"silent for too long: {', '.join(silent)}" if silent else None


def elsewhere(reason: object) -> NoReturn:
    """Ends with a reason that a restart of the daemon would not mend: docker/bin/restart_if_hung."""
    print(f"the database does not answer: {reason}", file=sys.stderr)
    os._exit(os.EX_TEMPFAIL)


def silences() -> dict[str, float]:
    """The seconds since the last heartbeat of each daemon of the process that has written last.

    Raises:
        psycopg2.Error: the database does not answer.
    """
    connection = psycopg2.connect(
        host=os.environ["DAGSTER_POSTGRES_HOST"],
        port=os.environ["DAGSTER_POSTGRES_PORT"],
        dbname=os.environ["DAGSTER_POSTGRES_DB"],
        user=os.environ["DAGSTER_POSTGRES_USER"],
        connect_timeout=4,
    )
    with connection.cursor() as cursor:
        cursor.execute(HEARTBEATS)
        return {name: float(seconds) for name, seconds in cursor.fetchall()}


def main() -> None:
    """Ends with the reason if a daemon is silent."""
    # A query of a server that hangs would wait for ever, and Docker would end this probe as one of a daemon that hangs.
    limit = threading.Timer(DATABASE_SECONDS, elsewhere, [f"no answer within {DATABASE_SECONDS} s"])
    limit.daemon = True
    limit.start()
    try:
        found = silences()
    except psycopg2.Error as error:
        elsewhere(error)
    sys.exit(problem(found, age_of_container()))


if __name__ == "__main__":
    main()
