"""The daemon refreshes a stale asset once, retries a failed refresh each minute, and requests nothing while data is fresh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

from user_code.defs.conditions import follow_new_data, refresh_when_stale

# Seven seconds is no multiple of five: an evaluation at exactly the second of a cron tick sees that tick twice.
START = datetime(2026, 3, 2, 12, 0, 7, tzinfo=UTC)
SOURCE, TABLE, REPORT = (dg.AssetKey(name) for name in ("source", "table", "report"))
TICK = timedelta(seconds=5)


class BrokenSourceError(Exception):
    """A failed refresh raises this error."""


@dataclass
class Plant:
    """Holds three assets in a row, an ephemeral instance and a clock, and returns the requests of the daemon."""

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
        """Writes a freshness state as the daemon does: it evaluates every 30 s, and writes each change."""
        change = FreshnessStateChange(
            key=SOURCE, previous_state=FreshnessState.UNKNOWN, new_state=state, state_change_timestamp=self.now.timestamp()
        )
        self.instance._report_runless_asset_event(change)

    def tick(self, passed: timedelta = TICK) -> set[str]:
        """Evaluates the sensor some time after the last evaluation, and returns the assets that it requests."""
        self.now += passed
        result = dg.evaluate_automation_conditions(self.assets, self.instance, evaluation_time=self.now, cursor=self.cursor)
        self.cursor = result.cursor
        return {key.to_user_string() for key in (SOURCE, TABLE, REPORT) if result.get_num_requested(key)}

    def run(self, *names: str) -> bool:
        """Executes the requested run, and returns whether it succeeded."""
        chosen = [asset for asset in self.assets if asset.key.to_user_string() in names]
        return dg.materialize(chosen, instance=self.instance, raise_on_error=False).success

    def settle(self) -> list[set[str]]:
        """Runs all requested assets until the daemon requests none, and returns the requests in order."""
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
    """Returns a plant whose assets are materialized and fresh."""
    plant.settle()
    plant.state(FreshnessState.PASS)
    assert plant.tick() == set()
    return plant


def test_daemon_materializes_missing_assets_once_from_the_source_on(plant: Plant) -> None:
    """A new deployment must fill itself."""
    assert plant.settle() == [{"source"}, {"table"}, {"report"}]


def test_daemon_requests_nothing_while_data_is_fresh(fresh: Plant) -> None:
    """Fresh data needs no run. The half hour contains a tick of the retry cron in each minute."""
    assert [fresh.tick(timedelta(seconds=30)) for _ in range(60)] == [set()] * 60


def test_daemon_refreshes_once_in_a_stale_episode(fresh: Plant) -> None:
    """The stored state stays stale for up to 30 s after the refresh, even at a tick of the retry cron."""
    fresh.state(FreshnessState.FAIL)
    assert fresh.tick() == {"source"}
    fresh.run("source")
    assert [fresh.tick() for _ in range(12)] == [set()] * 12
    fresh.state(FreshnessState.PASS)
    assert [fresh.tick() for _ in range(12)] == [set()] * 12


def test_daemon_refreshes_in_each_stale_episode(fresh: Plant) -> None:
    """The second stale episode needs a refresh like the first."""
    for _ in range(2):
        fresh.state(FreshnessState.FAIL)
        assert fresh.tick() == {"source"}
        fresh.run("source")
        fresh.state(FreshnessState.PASS)
        assert fresh.tick(timedelta(minutes=10)) == set()


def test_daemon_retries_a_failed_refresh_only_once_a_minute(fresh: Plant) -> None:
    """A broken source must not cause a run at each evaluation. The asset must recover with the source."""
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


def test_daemon_requests_nothing_while_a_refresh_runs(fresh: Plant) -> None:
    """A second run would repeat the work, even at a tick of the retry cron."""
    fresh.state(FreshnessState.FAIL)
    job = dg.define_asset_job("refresh", [SOURCE])
    definitions = dg.Definitions(fresh.assets, jobs=[job])
    run = fresh.instance.create_run_for_job(definitions.resolve_job_def("refresh"), asset_selection=frozenset({SOURCE}))
    fresh.instance.report_dagster_event(dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="refresh"), run_id=run.run_id)
    assert [fresh.tick(timedelta(seconds=30)) for _ in range(10)] == [set()] * 10


def requests_in_three_minutes(plant: Plant, asset: str) -> int:
    """Returns how often the daemon requests an asset whose every run fails."""
    requests = 0
    for _ in range(36):
        requested = plant.tick()
        assert requested <= {asset}
        if requested:
            requests += 1
            assert not plant.run(asset)
    return requests


def test_daemon_retries_a_failed_first_materialization_each_minute(plant: Plant) -> None:
    """A new deployment must fill itself once its source answers."""
    plant.broken = True
    assert requests_in_three_minutes(plant, "source") == 1 + 3
    plant.broken = False
    while plant.tick() != {"source"}:
        assert plant.now < START + timedelta(minutes=10)
    plant.run("source")
    assert plant.settle() == [{"table"}, {"report"}]


def test_daemon_retries_a_failed_downstream_asset_and_loses_no_data(fresh: Plant) -> None:
    """The new data must reach the last asset once the failed asset works again."""
    fresh.payload, fresh.table_broken = "b", True
    fresh.run("source")
    assert requests_in_three_minutes(fresh, "table") == 1 + 3
    fresh.table_broken = False
    while fresh.tick() != {"table"}:
        assert fresh.now < START + timedelta(minutes=10)
    fresh.run("table")
    assert fresh.settle() == [{"report"}]


def test_daemon_requests_no_downstream_asset_for_unchanged_data(fresh: Plant) -> None:
    """A refresh can return the same data version, and downstream assets then need no run."""
    fresh.run("source")
    assert [fresh.tick() for _ in range(12)] == [set()] * 12


def test_daemon_requests_each_downstream_asset_once_for_new_data(fresh: Plant) -> None:
    """The data must reach the last asset, and cause no further runs."""
    fresh.payload = "b"
    fresh.run("source")
    assert fresh.settle() == [{"table"}, {"report"}]
    assert [fresh.tick() for _ in range(12)] == [set()] * 12


def test_daemon_does_not_repeat_a_manual_materialization(fresh: Plant) -> None:
    """A user may materialize all assets together."""
    fresh.payload = "b"
    fresh.run("source", "table", "report")
    assert [fresh.tick() for _ in range(12)] == [set()] * 12
