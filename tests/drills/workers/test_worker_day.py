"""A day of ticks with workers: the broker keeps nothing of ended runs, and the worker does not grow."""

from __future__ import annotations

import pytest

from dagster_api.waiting import seen, wait_for
from tests.drills.workers.load import THOROUGH, load
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(2400)
# A schedule that ticks each minute makes 1,440 runs a day.
BATCH, BATCHES = (120, 12) if THOROUGH else (30, 3)
# A second server reads the broker's file: no user of the broker may list its keys.
KEYS = """rm -rf /tmp/copy && cp -r /data /tmp/copy && cd /tmp/copy
valkey-server --dir /tmp/copy --appendonly yes --port 0 --unixsocket /tmp/copy.sock --daemonize yes >/dev/null
until valkey-cli -s /tmp/copy.sock ping 2>/dev/null | grep -q PONG; do [ $((n += 1)) -lt 100 ] && sleep 0.1; done
valkey-cli -s /tmp/copy.sock --scan && valkey-cli -s /tmp/copy.sock shutdown nosave"""
MEMORY = "cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss_Anon:/ { sum += $2 } END { print sum }'"


def keys(stack: Stack) -> set[str]:
    """Returns the keys of the broker that have not expired."""
    return set(stack.exec("broker", "sh", "-c", KEYS).split())


def memory(stack: Stack) -> int:
    """Returns the KiB that the processes of the idle worker hold."""
    return int(stack.exec("user_code_worker", "sh", "-c", MEMORY))


def test_day_of_ticks_leaves_nothing_behind(still: Stack) -> None:
    """A key a run would fill the broker within a year. A megabyte a run would end the worker within a day."""
    load(still, BATCH, seconds=0).wait(seconds=600)
    before, resident = keys(still), memory(still)
    for _ in range(BATCHES - 1):
        load(still, BATCH, seconds=0).wait(seconds=600)

    def none() -> bool:
        return seen(not keys(still) - before, sorted(keys(still) - before)[:5])

    wait_for("the end of every key", none, seconds=120, every=5)
    assert memory(still) < 1.05 * resident
