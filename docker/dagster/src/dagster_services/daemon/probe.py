"""Health of the daemon: has every thread of the running process written a recent heartbeat?

`dagster-daemon liveness-check` asks the same, but costs 1.3 s of CPU and tolerates half an hour of silence by default.
"""

import os
import sys

import psycopg2

# Threads write every 30 s.
SILENCE_SECONDS = 90
# Rows of an earlier process do not count: its daemons may be switched off since.
SILENT = """
    SELECT daemon_type FROM daemon_heartbeats
    WHERE daemon_id = (SELECT daemon_id FROM daemon_heartbeats ORDER BY timestamp DESC LIMIT 1)
      AND timestamp < (now() AT TIME ZONE 'utc') - make_interval(secs => %s)
"""
NEWEST = (
    "SELECT coalesce(max(timestamp), 'epoch') > (now() AT TIME ZONE 'utc') - make_interval(secs => %s) FROM daemon_heartbeats"
)

connection = psycopg2.connect(
    host=os.environ["DAGSTER_POSTGRES_HOST"],
    port=os.environ["DAGSTER_POSTGRES_PORT"],
    dbname=os.environ["DAGSTER_POSTGRES_DB"],
    user=os.environ["DAGSTER_POSTGRES_USER"],
    connect_timeout=4,
)
cursor = connection.cursor()
cursor.execute(NEWEST, (SILENCE_SECONDS,))
[(fresh,)] = cursor.fetchall()
if not fresh:
    sys.exit(f"no daemon has written a heartbeat for {SILENCE_SECONDS} s")
cursor.execute(SILENT, (SILENCE_SECONDS,))
if silent := [row[0] for row in cursor.fetchall()]:
    sys.exit(f"silent for more than {SILENCE_SECONDS} s: {', '.join(silent)}")
