"""Counters and histograms. Names are those of the dagster-prometheus-exporter where it has them; no run id is a label.

https://github.com/HirofumiTsuda/dagster-prometheus-exporter/blob/main/docs/metrics.md
"""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram

from dagster_services.monitor.condition import Condition, Instigator
from dagster_services.monitor.history import History, SeenRun
from dagster_services.monitor.reading import SeenTick

# A run of a second, and one of a day.
DURATIONS = (1, 2, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400)
DELAYS = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600)
ENDED = ("success", "failure", "canceled")
# Dagster's reasons that this deployment retries: dagster_deployment/instance.py.
LOST = ("unexpected_termination", "start_timeout", "run_worker_restart")
OF_RUN = ("job_name", "location", "status")
# Each has 20 series, and Prometheus takes 5,000 of this exporter at most.
MOST_JOBS = 60
OTHERS = ("__others__", "__others__")


@dataclass
class Totals:
    """Counters and histograms since this process began."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.runs = Counter("dagster_completed_runs", "Runs that have ended.", OF_RUN, registry=self.registry)
        self.retries = Counter(
            "dagster_run_retries", "Runs that repeat a run after a failure.", ["location"], registry=self.registry
        )
        self.failures = Counter("dagster_run_failures", "Failed runs, by Dagster's reason.", ["reason"], registry=self.registry)
        self.durations = Histogram(
            "dagster_run_duration_seconds",
            "From the start of a run to its end.",
            OF_RUN[:2],
            buckets=DURATIONS,
            registry=self.registry,
        )
        self.delays = Histogram(
            "dagster_run_launch_delay_seconds",
            "From the launch of a run to its start.",
            ["location"],
            buckets=DELAYS,
            registry=self.registry,
        )
        self.ticks = {
            kind: Counter(f"dagster_{kind}_ticks", "Ticks that have ended.", ["location", "status"], registry=self.registry)
            for kind in ("schedule", "sensor")
        }
        self.late = Histogram(
            "dagster_schedule_tick_delay_seconds",
            "From a schedule's time to its tick.",
            [],
            buckets=DELAYS,
            registry=self.registry,
        )
        self.jobs = set[tuple[str, str]]()
        for reason in LOST:
            self.failures.labels(reason)

    def count(self, found: Condition, past: History, ticks: list[SeenTick]) -> None:
        """Counts what is new, and empties it."""
        for run in past.active:
            self._begin(run)
        for run in past.ended:
            self._count_run(run)
        for reason in past.reasons:
            self.failures.labels(reason.rpartition(".")[2].lower()).inc()
        for tick in ticks:
            self._count_tick(tick, found.roster.instigators.get(tick.selector))
        for each in (past.ended, past.reasons, ticks):
            each.clear()

    def _begin(self, run: SeenRun) -> None:
        # A counter that begins with its first failure does not increase for Prometheus.
        for status in ENDED:
            self.runs.labels(*self._job(run), status)

    def _count_tick(self, tick: SeenTick, instigator: Instigator | None) -> None:
        if instigator is None:
            return
        self.ticks[instigator.kind].labels(instigator.location, tick.status.lower()).inc()
        if instigator.kind == "schedule":
            self.late.observe(max(0.0, tick.late))

    def _count_run(self, run: SeenRun) -> None:
        self.runs.labels(*self._job(run), run.status.lower()).inc()
        if run.is_retry:
            self.retries.labels(run.location).inc()
        if run.started:
            self.delays.labels(run.location).observe(max(0.0, run.started - run.created))
        if run.started and run.ended:
            self.durations.labels(*self._job(run)).observe(run.ended - run.started)

    def _job(self, run: SeenRun) -> tuple[str, str]:
        """The labels of a run's job. All further jobs share theirs."""
        found = (run.job, run.location)
        if found not in self.jobs and len(self.jobs) == MOST_JOBS:
            return OTHERS
        self.jobs.add(found)
        return found
