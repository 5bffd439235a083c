"""Indexes and statistics for queries that Dagster's own indexes do not serve: of daemon, UI and maintenance.

Dagster asks for `selector_id = X OR (selector_id IS NULL AND job_origin_id = Y)`, newest first. No index has that order, so
Postgres read and sorted all ticks of the sensor. With 150,000 ticks of ten sensors and a weekly schedule (Postgres 17):

| question                                    | blocks before | after |
|---------------------------------------------|---------------|-------|
| latest tick of a busy sensor                | 15,256        | 3     |
| latest tick of the schedule                 | 9             | 8     |
| a page of 25 ticks of a busy sensor         | 15,256        | 67    |
| failures of a sensor that never fails       | 392           | 6     |
| latest ticks of some sensors (Automation)   | 15,267        | 5     |

One case stays slow, 0.15 s: a sensor that stopped long ago after thousands of ticks. Postgres walks all newer ticks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg2.extensions

INDEXES = {
    # Newest first over all instigators: a busy one has its newest tick among the first.
    "job_ticks_newest": 'job_ticks ("timestamp")',
    # For a rare state of a busy instigator: the order above would search all ticks for it.
    "job_ticks_state": "job_ticks (selector_id, status)",
    # The foreign key asks for each snapshot that `maintenance` removes.
    "runs_snapshot": "runs (snapshot_id)",
}
# Shows the planner each instigator's frequency of states. Without them it takes failures to be equally frequent everywhere.
STATISTICS = "CREATE STATISTICS IF NOT EXISTS job_ticks_states (mcv) ON selector_id, status FROM job_ticks"
# The default of 4 is for hard disks: with it, the planner read all ticks of a sensor for its latest one.
PAGE_COST = "ALTER DATABASE dagster SET random_page_cost = 1.1"
INVALID = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid"


def ensure(connection: psycopg2.extensions.connection) -> None:
    """Creates the missing ones, without a lock that anybody waits for. An interrupted build is created anew.

    Raises:
        psycopg2.Error: the database refuses a statement.
    """
    connection.autocommit = True
    with connection.cursor() as cursor:
        for name, columns in INDEXES.items():
            cursor.execute(INVALID, (name,))
            if cursor.fetchone():
                cursor.execute(f"DROP INDEX CONCURRENTLY {name}")
            cursor.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {columns}")
        for statement in (STATISTICS, PAGE_COST, "ANALYZE job_ticks"):
            cursor.execute(statement)
