"""Health of the daemon: has every thread of the running process written a recent heartbeat?

`dagster-daemon liveness-check` asks the same, but costs 1.3 s of CPU and tolerates half an hour of silence by default.
"""

import os
import sys
import threading
from typing import NoReturn

import psycopg2

# Threads write every 30 s. Three more probes must fail before a restart: a thread has been silent for three minutes then.
SILENCE_SECONDS = 90
# A database that hangs must not look like a daemon that hangs.
DATABASE_SECONDS = 12
# Rows of an earlier process do not count: its daemons may be switched off since.
SILENT = """
    SELECT daemon_type FROM daemon_heartbeats
    WHERE daemon_id = (SELECT daemon_id FROM daemon_heartbeats ORDER BY timestamp DESC LIMIT 1)
      AND timestamp < (now() AT TIME ZONE 'utc') - make_interval(secs => %s)
    ORDER BY daemon_type
"""
NEWEST = (
    "SELECT coalesce(max(timestamp), 'epoch') > (now() AT TIME ZONE 'utc') - make_interval(secs => %s) FROM daemon_heartbeats"
)


def elsewhere(reason: object) -> NoReturn:
    """Ends with a reason that a restart of the daemon would not mend: docker/restart_if_hung.sh."""
    print(f"the database does not answer: {reason}", file=sys.stderr)
    os._exit(os.EX_TEMPFAIL)


def heartbeats() -> tuple[bool, list[str]]:
    """Returns whether any heartbeat is recent, and the daemons of the running process that are silent.

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
        cursor.execute(NEWEST, (SILENCE_SECONDS,))
        [(fresh,)] = cursor.fetchall()
        cursor.execute(SILENT, (SILENCE_SECONDS,))
        return fresh, [name for (name,) in cursor.fetchall()]


def main() -> None:
    """Ends with the reason if a daemon is silent."""
    # A query of a server that hangs would wait for ever, and Docker would end this probe as one of a daemon that hangs.
    limit = threading.Timer(DATABASE_SECONDS, elsewhere, [f"no answer within {DATABASE_SECONDS} s"])
    limit.daemon = True
    limit.start()
    try:
        fresh, silent = heartbeats()
    except psycopg2.Error as error:
        elsewhere(error)
    if not fresh:
        sys.exit(f"no daemon has written a heartbeat for {SILENCE_SECONDS} s")
    if silent:
        sys.exit(f"silent for more than {SILENCE_SECONDS} s: {', '.join(silent)}")


if __name__ == "__main__":
    main()
