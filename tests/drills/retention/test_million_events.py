"""A maintenance of a million events while runs go on: no run fails, no lock lasts, and Dagster answers as before."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from bench.grown.history import ask, multiply
from dagster_api.waiting import seen, wait_for
from operate.compose import ROOT
from tests.drills.workers.load import load
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(1200)
EVENTS, DAYS, RUNS = 1_000_000, 120, 20
# `RETENTION_DAYS` is 90: a quarter of the history is too old.
MOST_SECONDS = 300
# The longest lock, as a part of the whole maintenance: docs/measurements.md has seconds of a quiet machine.
LONGEST_LOCK = 0.1
ASKED = """query State { assetNodes { assetKey { path } staleStatus partitionStats { numMaterialized numPartitions }
    freshnessStatusInfo { freshnessStatus } assetMaterializations(limit: 1) { runId timestamp }
    assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization { runId status } } } } } }"""
# How long the maintenance has held a lock on a table that it deletes from: at most as long as its transaction has lasted.
HELD = """SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity AS a
    WHERE usename = 'dagster_maintenance' AND EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid
    AND l.mode = 'RowExclusiveLock' AND l.relation = ANY ('{event_logs,runs,asset_check_executions,snapshots}'::regclass[]))"""


def longest_lock(stack: Stack, maintenance: subprocess.Popen[str]) -> float:
    """Looks fifty times a second until the maintenance has ended; returns the longest time of a transaction that has written."""
    longest = [0.0]

    def ended() -> bool:
        longest.append(float(ask(stack.environ, looks())[-1]))
        return seen(maintenance.poll() is not None, f"it goes on, the longest lock lasted {max(longest)} s")

    wait_for("the end of the maintenance", ended, seconds=MOST_SECONDS, every=0)
    return max(longest)


def looks() -> str:
    """A statement that looks for two seconds. Each look is a statement of its own: one statement sees one moment only."""
    return f"""DO $$ DECLARE longest float := 0; BEGIN
        FOR look IN 1..100 LOOP
            PERFORM pg_stat_clear_snapshot();
            longest := greatest(longest, ({HELD}));
            PERFORM pg_sleep(0.02);
        END LOOP;
        PERFORM set_config('drill.longest', longest::text, false);
    END $$; SELECT current_setting('drill.longest')"""


def count(stack: Stack, condition: str = "true") -> int:
    """Returns the number of events."""
    return int(ask(stack.environ, f"SELECT count(*) FROM event_logs WHERE {condition}")[0])


def state(stack: Stack) -> Any:
    """Returns what the UI shows of the assets."""
    return stack.client.query(ASKED)["assetNodes"]


def test_maintenance_of_a_million_events_disturbs_nobody(still: Stack) -> None:
    """It is done at night, when most schedules run."""
    for job in ("letters_job", "letters_job", "warehouse_job", "quick_job"):
        still.succeeds(job)
    # The daemon looks every 30 s. The answer would change in the middle otherwise.
    wait_for("freshness", lambda: seen((is_now := still.client.freshness("greeting")) == "HEALTHY", is_now), seconds=120)
    still.compose("stop", "daemon")
    multiply(still.environ, EVENTS // count(still, "run_id <> ''"), DAYS)
    still.compose("start", "daemon")
    before, asked = count(still), state(still)
    assert before > 0.95 * EVENTS
    runs = load(still, RUNS)
    runs.wait_until_under_way()
    command = ["make", "--no-print-directory", "maintenance"]
    with subprocess.Popen(command, cwd=ROOT, env=still.environ, text=True, stdout=subprocess.PIPE) as maintenance:
        began = time.monotonic()
        longest, lasted = longest_lock(still, maintenance), time.monotonic() - began
        said = maintenance.stdout.read() if maintenance.stdout else ""
    print(said, longest, lasted)
    assert maintenance.returncode == 0, said
    assert 0 < longest < LONGEST_LOCK * lasted
    attempts = runs.wait(300)
    assert all(len(each) == 1 for each in attempts.values())
    assert state(still) == asked
    # Some of the old ones are the newest of their asset.
    assert count(still, "timestamp < now() AT TIME ZONE 'utc' - interval '90 days'") < 100
    assert count(still) == pytest.approx(before * 90 / DAYS, rel=0.05)
    assert still.make("maintenance").stdout.startswith("maintenance: removed nothing in ")
