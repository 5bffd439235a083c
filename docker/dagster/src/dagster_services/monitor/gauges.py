"""The state at the last look. Names are those of the dagster-prometheus-exporter where it has them.

Moments are timestamps, not ages: Prometheus computes the age when it evaluates a rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dagster_services.monitor.condition import Condition
from dagster_services.monitor.history import History
from dagster_services.monitor.surroundings import backups, disk, engine
from dagster_services.monitor.totals import OF_RUN

# The first of the alphabet have metrics: two series for an asset, one for a check, four for a schedule or sensor.
MOST_ASSETS, MOST_INSTIGATORS = 1_000, 100
SERVICES = ("postgres", "webserver")
Sample = tuple[Sequence[str], float]
Family = CounterMetricFamily | GaugeMetricFamily


def series(kind: type[Family], name: str, said: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    """A metric with its samples."""
    family = kind(f"dagster_{name}", said, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


gauge = partial(series, GaugeMetricFamily)
# Another process counts it.
counter = partial(series, CounterMetricFamily)


def runs(past: History) -> Iterator[Metric]:
    """Runs that have not ended, and concurrency pools."""
    active = Counter((run.job, run.location, run.status.lower()) for run in past.active)
    yield gauge("active_runs", "Runs that have not ended.", OF_RUN, active.items())
    oldest: dict[str, float] = {}
    for run in past.active:
        oldest[run.status] = min(run.created, oldest.get(run.status, run.created))
    said = "The launch of the oldest run in a state."
    yield gauge("oldest_run_timestamp_seconds", said, ["status"], [([name.lower()], at) for name, at in oldest.items()])
    pools = past.pools
    yield gauge("op_pool_concurrency_slots", "Slots of a pool.", ["pool"], [([each.name], each.slots) for each in pools])
    yield gauge("op_pool_concurrency_active_slots", "Slots in use.", ["pool"], [([each.name], each.used) for each in pools])
    waiting = [([each.name], each.waiting) for each in pools]
    yield gauge("op_pool_concurrency_waiting_steps", "Steps that wait for a slot.", ["pool"], waiting)


def deployment(found: Condition) -> Iterator[Metric]:
    """Daemons, code locations, and the services that the monitor asks."""
    beats = [([name], at) for name, at in found.heartbeats.items()]
    yield gauge("daemon_last_heartbeat_timestamp_seconds", "The last heartbeat.", ["daemon_type"], beats)
    errors = [([name], fault is not None) for name, fault in found.roster.locations.items()]
    yield gauge("code_location_load_error", "1 if the location does not load.", ["location"], errors)
    seen = [([name], name not in found.silent) for name in SERVICES]
    yield gauge("monitor_sees", "1 if the service answers the monitor.", ["service"], seen)


def storage(past: History) -> Iterator[Metric]:
    """Sizes, backups and maintenance."""
    free, total = disk()
    yield gauge("disk_free_bytes", "Free bytes of the disk with the volumes.", [], [([], free)])
    yield gauge("disk_size_bytes", "All bytes of that disk.", [], [([], total)])
    yield gauge("database_size_bytes", "The size of Dagster's database.", [], [([], past.size)])
    good = [([kind], at) for kind, at in backups().items()]
    yield gauge("backup_last_success_timestamp_seconds", "The last good backup of a kind.", ["kind"], good)
    if last := past.maintenance:
        yield gauge("maintenance_last_timestamp_seconds", "The end of the last maintenance.", [], [([], last.at)])
        yield gauge("maintenance_failed", "1 if a part of it failed.", [], [([], last.has_failed)])
        yield gauge("maintenance_removed_bytes", "The bytes that it removed.", [], [([], last.bytes)])


def containers() -> Iterator[Metric]:
    """Facts of the gateway, which asks the Docker engine."""
    found = engine()
    restarts = [([name], each.restarts) for name, each in found.services.items()]
    yield counter("service_restarts", "Restarts by Docker since the container was made.", ["service"], restarts)
    healthy = [([name], each.is_healthy) for name, each in found.services.items()]
    yield gauge("service_healthy", "1 if the service is healthy.", ["service"], healthy)
    said = "Requests to the launch gateway, by the call in its policy and the verdict."
    yield counter("gateway_requests", said, ["call", "verdict"], found.requests.items())


def instigators(found: Condition, kind: str) -> Iterator[Metric]:
    """Schedules or sensors, and their newest ticks."""
    labels = [f"{kind}_name", "location"]
    sorted_by_name = sorted(found.roster.instigators.items(), key=lambda item: (item[1].name, item[1].location))
    known = dict([(selector, each) for selector, each in sorted_by_name if each.kind == kind][:MOST_INSTIGATORS])
    names = {selector: (each.name, each.location) for selector, each in known.items()}
    ticks = {selector: found.ticks[selector] for selector in known if selector in found.ticks}
    states = [((*names[selector], "running" if each.is_on else "stopped"), 1) for selector, each in known.items()]
    yield gauge(f"{kind}_status", "1 for its state.", [*labels, "status"], states)
    ends = [((*names[selector], tick.status.lower()), 1) for selector, tick in ticks.items()]
    yield gauge(f"{kind}_last_tick_status", "1 for the end of its newest tick.", [*labels, "status"], ends)
    moments = [(names[selector], tick.at) for selector, tick in ticks.items()]
    yield gauge(f"{kind}_last_tick_timestamp_seconds", "Its newest tick.", labels, moments)
    paces = [(names[selector], each.interval) for selector, each in known.items() if each.interval]
    yield gauge(f"{kind}_interval_seconds", "The shortest time between its ticks.", labels, paces)


def assets(found: Condition, past: History) -> Iterator[Metric]:
    """Assets with their freshness and checks."""
    known = sorted(found.roster.assets)[:MOST_ASSETS]
    moments = [([asset], past.materialized[asset]) for asset in known if asset in past.materialized]
    yield gauge("asset_last_materialization_timestamp_seconds", "The last materialization.", ["asset_key"], moments)
    states = {asset: found.freshness[asset] for asset in known if asset in found.freshness}
    judged = {asset: each for asset, each in states.items() if each.state != "NOT_APPLICABLE"}
    names = [((asset, each.state.lower()), 1) for asset, each in judged.items()]
    yield gauge("asset_freshness_state", "1 for the state that the daemon gave.", ["asset_key", "state"], names)
    checks = [(key, each.has_failed) for key, each in sorted(found.checks.items()) if key[0] in found.roster.assets]
    said = "1 if the last result failed."
    yield gauge("asset_check_failed", said, ["asset_key", "check_name"], checks[:MOST_ASSETS])


class Gauges(Collector):
    """The gauges of the last look."""

    def __init__(self) -> None:
        """Nothing was looked at yet."""
        self.found = Condition()
        self.past = History()

    def collect(self) -> Iterator[Metric]:
        """Yields every gauge."""
        yield from runs(self.past)
        yield from deployment(self.found)
        yield from storage(self.past)
        yield from containers()
        yield from instigators(self.found, "schedule")
        yield from instigators(self.found, "sensor")
        yield from assets(self.found, self.past)
