"""Lets the daemon also retry runs whose failure was committed late.

Dagster's daemon remembers the largest id of an event that it has read. Postgres gives an id before it commits: an event with a
smaller id may appear afterwards. Its run was never retried. It was seen with runs of a worker host that failed together.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunRecord
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, WILL_RETRY_TAG

from dagster_deployment.mending import replace

# Ids that are read again. Two hundred runs a minute write so many in ten seconds, and a commit takes milliseconds.
OVERLAP = 1000
# Runs that ended last. More than any overlap holds.
MOST = 10_000
Consume = Callable[[Any, Sequence[RunRecord], Any], Iterator[None]]


def trailing(persisted: int, ids: Sequence[int]) -> int:
    """The next cursor. It stays behind the newest event."""
    return max(persisted, max(ids, default=0) - OVERLAP)


def is_settled(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Whether an earlier process of the daemon has dealt with a run, or need not: it has a retry, or will have none."""
    retry = instance.get_run_by_id(retry_id) if (retry_id := run.tags.get(AUTO_RETRY_RUN_ID_TAG)) else None
    retried = retry_id is not None and (retry is None or retry.status != DagsterRunStatus.NOT_STARTED)
    return retried or run.tags.get(WILL_RETRY_TAG) == "false"


class Once:
    """Looks at each ended run once, although its event is read again and again."""

    def __init__(self, consume: Consume) -> None:
        self.consume = consume
        # Dagster prints the name of a consumer.
        self.__name__ = "retry_each_run_once"
        self.seen: OrderedDict[str, None] = OrderedDict()
        self.has_begun = False

    def __call__(self, context: Any, records: Sequence[RunRecord], logger: Any) -> Iterator[None]:
        """Passes each run on that is new. A run has ended a moment after its event."""
        for record in records:
            run = record.dagster_run
            if run.is_finished and run.run_id not in self.seen:
                self.seen[run.run_id] = None
                yield from self._pass_on(context, record, logger)
        self.has_begun = True
        while len(self.seen) > MOST:
            self.seen.popitem(last=False)

    def _pass_on(self, context: Any, record: RunRecord, logger: Any) -> Iterator[None]:
        try:
            if self.has_begun or not is_settled(context.instance, record.dagster_run):
                yield from self.consume(context, [record], logger)
        except Exception:
            # User code can give a run tags that Dagster cannot read. The runs after it must be retried all the same.
            logger.exception("run %s is not retried", record.dagster_run.run_id)


def mend() -> None:
    """Mends Dagster's consumer of events."""
    from dagster._daemon.auto_run_reexecution import event_log_consumer  # noqa: PLC0415

    name = "consume_new_runs_for_automatic_reexecution"
    replace(event_log_consumer, "get_new_cursor", trailing)
    replace(event_log_consumer, name, Once(getattr(event_log_consumer, name)))
