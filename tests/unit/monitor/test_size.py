"""A large deployment must not flood Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import disable_created_metrics, generate_latest

from dagster_services.monitor import gauges
from dagster_services.monitor.condition import Check, Condition, Freshness, Instigator, Roster, Tick
from dagster_services.monitor.gauges import Gauges
from dagster_services.monitor.history import History, SeenRun
from dagster_services.monitor.reading import SeenTick
from dagster_services.monitor.surroundings import disk
from dagster_services.monitor.totals import Totals

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# Prometheus keeps them in memory: a small machine has room for these.
MOST_SERIES = 5_000


def test_exporter_has_five_thousand_series_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand assets with a check each, 300 jobs, and 600 schedules and sensors."""
    monkeypatch.setattr(gauges, "disk", lambda: disk(tmp_path))
    disable_created_metrics()
    assets = {f"group/asset_{number}": "shop" for number in range(2_000)}
    instigators = {
        f"s{number}": Instigator("shop", f"name_{number}", "sensor" if number % 2 else "schedule", is_on=True, interval=30)
        for number in range(600)
    }
    found = Condition(
        Roster({"shop": None}, instigators, assets),
        {f"DAEMON_{number}": 1.0 for number in range(8)},
        {selector: Tick("SUCCESS", 1.0, 1.0) for selector in instigators},
        {asset: Freshness("PASS", 1.0) for asset in assets},
        {(asset, "check"): Check(has_failed=False, at=1.0) for asset in assets},
    )
    past, totals, state = History(materialized=dict.fromkeys(assets, 1.0)), Totals(), Gauges()
    past.ended = [SeenRun(f"job_{number}", "shop", "SUCCESS", 1.0, 2.0, 3.0, is_retry=False) for number in range(300)]
    totals.count(found, past, [SeenTick(selector, "SUCCESS", 0.1) for selector in instigators])
    state.found, state.past = found, past
    totals.registry.register(state)
    lines = generate_latest(totals.registry).decode().splitlines()
    assert len([line for line in lines if not line.startswith("#")]) <= MOST_SERIES
    counted = [line for line in lines if line.startswith("dagster_completed_runs_total{")]
    assert sum(float(line.split()[-1]) for line in counted) == 300
    assert 'dagster_completed_runs_total{job_name="__others__",location="__others__",status="success"} 240.0' in counted
