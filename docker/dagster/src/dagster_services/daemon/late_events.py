"""Lets the daemon also retry runs whose failure was committed late.

Dagster's daemon remembers the largest id of an event that it has read. Postgres gives an id before it commits: an event with a
smaller id may appear afterwards. Its run was never retried. It was seen with runs of a worker host that failed together.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dagster import RunRecord

from dagster_deployment.mending import replace

# Ids that are read again. Two hundred runs a minute write so many in ten seconds, and a commit takes milliseconds.
OVERLAP = 1000
# Runs that ended last. More than any overlap holds.
MOST = 10_000
Consume = Callable[[Any, Sequence[RunRecord], Any], Iterator[None]]


def trailing(persisted: int, ids: Sequence[int]) -> int:
    """The next cursor. It stays behind the newest event."""
    return max(persisted, max(ids, default=0) - OVERLAP)


class Once:
    """Looks at each ended run once, although its event is read again and again."""

    def __init__(self, consume: Consume) -> None:
        self.consume = consume
        self.seen: OrderedDict[str, None] = OrderedDict()

    def __call__(self, context: Any, records: Sequence[RunRecord], logger: Any) -> Iterator[None]:
        """Passes those runs on that are new. A run has ended a moment after its event."""
        new = [each for each in records if each.dagster_run.is_finished and each.dagster_run.run_id not in self.seen]
        yield from self.consume(context, new, logger)
        self.seen.update(dict.fromkeys(each.dagster_run.run_id for each in new))
        while len(self.seen) > MOST:
            self.seen.popitem(last=False)


def mend() -> None:
    """Mends Dagster's consumer of events."""
    from dagster._daemon.auto_run_reexecution import event_log_consumer  # noqa: PLC0415

    name = "consume_new_runs_for_automatic_reexecution"
    replace(event_log_consumer, "get_new_cursor", trailing)
    replace(event_log_consumer, name, Once(getattr(event_log_consumer, name)))
