"""When the daemon refreshes an asset by itself: one refresh a stale episode, retries in measure, nothing while fresh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

from user_code.defs.conditions import follow_new_data, refresh_when_stale

# Not a multiple of five seconds: an evaluation on the very second of a cron tick sees that tick twice.
START = datetime(2026, 3, 2, 12, 0, 7, tzinfo=UTC)
SOURCE, TABLE, REPORT = (dg.AssetKey(name) for name in ("source", "table", "report"))
TICK = timedelta(seconds=5)


class BrokenSourceError(Exception):
    """A failed refresh raises this."""


@dataclass
class Plant:
    """Three assets in a row on an ephemeral instance, a clock, and what the daemon would request."""

    instance: dg.DagsterInstance
    payload: str = "a"
    broken: bool = False
    table_broken: bool = False
    now: datetime = START
    cursor: Any = None

    def __post_init__(self) -> None:
        @dg.asset(
            automation_condition=refresh_when_stale(), freshness_policy=dg.FreshnessPolicy.time_window(timedelta(minutes=10))
        )
        def source() -> dg.MaterializeResult:
            if self.broken:
                raise BrokenSourceError
            return dg.MaterializeResult(data_version=dg.DataVersion(self.payload))

        @dg.asset(deps=[source], code_version="1", automation_condition=follow_new_data())
        def table() -> None:
            if self.table_broken:
                raise BrokenSourceError

        @dg.asset(deps=[table], code_version="1", automation_condition=follow_new_data())
        def report() -> None: ...

        self.assets = [source, table, report]

    def state(self, state: FreshnessState) -> None:
        """Writes the freshness state as the daemon does: it evaluates every 30 s, and writes each change."""
        change = FreshnessStateChange(
            key=SOURCE, previous_state=FreshnessState.UNKNOWN, new_state=state, state_change_timestamp=self.now.timestamp()
        )
        self.instance._report_runless_asset_event(change)

    def tick(self, passed: timedelta = TICK) -> set[str]:
        """One evaluation of the sensor, a while after the last: the assets that it requests."""
        self.now += passed
        result = dg.evaluate_automation_conditions(self.assets, self.instance, evaluation_time=self.now, cursor=self.cursor)
        self.cursor = result.cursor
        return {key.to_user_string() for key in (SOURCE, TABLE, REPORT) if result.get_num_requested(key)}

    def run(self, *names: str) -> bool:
        """Does the work of the requested run."""
        chosen = [asset for asset in self.assets if asset.key.to_user_string() in names]
        return dg.materialize(chosen, instance=self.instance, raise_on_error=False).success

    def settle(self) -> list[set[str]]:
        """Runs whatever is requested until nothing is; the requests in order."""
        story = []
        while requested := self.tick():
            story.append(requested)
            self.run(*requested)
        return story


@pytest.fixture
def plant() -> Iterator[Plant]:
    with dg.DagsterInstance.ephemeral() as instance:
        plant = Plant(instance)
        plant.state(FreshnessState.UNKNOWN)
        yield plant


@pytest.fixture
def fresh(plant: Plant) -> Plant:
    """Everything made once, and fresh."""
    plant.settle()
    plant.state(FreshnessState.PASS)
    assert plant.tick() == set()
    return plant


def test_what_is_missing_is_made_once_from_the_source_on(plant: Plant) -> None:
    """A new deployment fills itself."""
    assert plant.settle() == [{"source"}, {"table"}, {"report"}]


def test_nothing_is_requested_while_fresh(fresh: Plant) -> None:
    """An hour of evaluations, each minute with its tick of the retry cron."""
    assert [fresh.tick(timedelta(seconds=20)) for _ in range(180)] == [set()] * 180


def test_one_stale_episode_is_one_refresh(fresh: Plant) -> None:
    """The stored state stays stale for up to 30 s after the refresh, over a tick of the retry cron as well."""
    fresh.state(FreshnessState.FAIL)
    assert fresh.tick() == {"source"}
    fresh.run("source")
    assert [fresh.tick() for _ in range(12)] == [set()] * 12
    fresh.state(FreshnessState.PASS)
    assert [fresh.tick() for _ in range(12)] == [set()] * 12


def test_each_stale_episode_is_refreshed(fresh: Plant) -> None:
    """The second one as the first."""
    for _ in range(2):
        fresh.state(FreshnessState.FAIL)
        assert fresh.tick() == {"source"}
        fresh.run("source")
        fresh.state(FreshnessState.PASS)
        assert fresh.tick(timedelta(minutes=10)) == set()


def test_a_failed_refresh_is_tried_again_each_minute_and_not_in_a_storm(fresh: Plant) -> None:
    """Three minutes of a broken source are one request and three retries, then it comes back."""
    fresh.broken = True
    fresh.state(FreshnessState.FAIL)
    requests = 0
    for _ in range(36):
        if fresh.tick() == {"source"}:
            requests += 1
            assert not fresh.run("source")
    assert requests == 1 + 3
    fresh.broken = False
    while fresh.tick() != {"source"}:
        assert fresh.now < START + timedelta(minutes=10)
    assert fresh.run("source")
    assert [fresh.tick() for _ in range(24)] == [set()] * 24


def test_nothing_is_requested_while_a_refresh_is_under_way(fresh: Plant) -> None:
    """Not even at ticks of the retry cron."""
    fresh.state(FreshnessState.FAIL)
    job = dg.define_asset_job("refresh", [SOURCE])
    definitions = dg.Definitions(fresh.assets, jobs=[job])
    run = fresh.instance.create_run_for_job(definitions.resolve_job_def("refresh"), asset_selection=frozenset({SOURCE}))
    fresh.instance.report_dagster_event(dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="refresh"), run_id=run.run_id)
    assert [fresh.tick(timedelta(seconds=30)) for _ in range(10)] == [set()] * 10


def requests_in_three_minutes(plant: Plant, asset: str) -> int:
    """How often the sensor asks for an asset whose every run fails."""
    requests = 0
    for _ in range(36):
        requested = plant.tick()
        assert requested <= {asset}
        if requested:
            requests += 1
            assert not plant.run(asset)
    return requests


def test_a_first_fill_that_fails_is_tried_again_each_minute(plant: Plant) -> None:
    """A new deployment whose source is not there yet fills itself once it is."""
    plant.broken = True
    assert requests_in_three_minutes(plant, "source") == 1 + 3
    plant.broken = False
    while plant.tick() != {"source"}:
        assert plant.now < START + timedelta(minutes=10)
    plant.run("source")
    assert plant.settle() == [{"table"}, {"report"}]


def test_new_data_is_not_lost_when_what_it_touches_fails(fresh: Plant) -> None:
    """The failed asset is tried again each minute; once it works, the data goes on."""
    fresh.payload, fresh.table_broken = "b", True
    fresh.run("source")
    assert requests_in_three_minutes(fresh, "table") == 1 + 3
    fresh.table_broken = False
    while fresh.tick() != {"table"}:
        assert fresh.now < START + timedelta(minutes=10)
    fresh.run("table")
    assert fresh.settle() == [{"report"}]


def test_unchanged_data_costs_nothing_downstream(fresh: Plant) -> None:
    """A refresh that returns the same data version."""
    fresh.run("source")
    assert [fresh.tick() for _ in range(12)] == [set()] * 12


def test_new_data_is_carried_on_once(fresh: Plant) -> None:
    """Down to the last asset, then quiet."""
    fresh.payload = "b"
    fresh.run("source")
    assert fresh.settle() == [{"table"}, {"report"}]
    assert [fresh.tick() for _ in range(12)] == [set()] * 12


def test_what_was_refreshed_together_is_not_refreshed_again(fresh: Plant) -> None:
    """Somebody materializes everything by hand."""
    fresh.payload = "b"
    fresh.run("source", "table", "report")
    assert [fresh.tick() for _ in range(12)] == [set()] * 12
