"""Freshness: a source that goes silent, and publishes again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dagster_api.runs import UNDER_WAY, Run
from demo.evaluation.figures import Style
from demo.evaluation.scenario import Scenario

JOB, SCHEDULE = "data_extraction_job", "data_extraction_schedule"
RAW, SUMMARY = "raw_user_data", "data_extraction_summary"
USERS = frozenset({RAW, "transformed_user_data", "user_data_csv", SUMMARY})
# Less than the window of a minute: such data is not stale yet.
RECENT_SECONDS = 50
SCHEDULED, KEPT = "job, by its schedule", "assets, by the freshness sensor"


class SilentSource(Scenario):
    """Nothing is done by hand: a schedule runs the job, a sensor runs the assets."""

    name = "freshness_source"
    situation = "Freshness"
    title = "The source goes silent, then publishes"
    lane = "users"
    holds = frozenset({"source"})
    story = (
        "Both styles have good data. Then the source answers with errors. The job is started by its schedule, every "
        "minute; the assets are kept by the freshness sensor alone, with a window of one minute, which tries every minute as "
        "well. Their own schedule is off: with it a first run of theirs would fail as early as the job's. "
        "Once the staleness is visible and both have tried in vain, the source publishes new data. Both try again at the next "
        "full minute: how long that takes depends on when in the minute it was, for both alike. Nobody touches anything."
    )

    def set_up(self) -> None:
        """Fetches raw data a last time unless it is recent, then makes the source silent."""
        databases = self.stage.databases
        self.undo.callback(self.stage.source, behaviour="ok")
        self.undo.callback(self.stage.schedule(SCHEDULE).turn, on=False)
        recently = databases.now() - RECENT_SECONDS
        if not databases.materialized(RAW, recently):
            self.stage.materialize(RAW)
        # The sensor may have requested the same a moment ago. That run must end before the source is silent.
        self.stage.until("the end of what is being fetched", lambda: not self._being_fetched())
        self.good_at = databases.materialized(RAW, recently)[-1]
        self.stage.source(behaviour="fail")
        self.silent_at = databases.now()
        self.stage.schedule(SCHEDULE).turn(on=True)

    def _being_fetched(self) -> bool:
        return any(RAW in run.assets for run in self.stage.client.runs(statuses=UNDER_WAY))

    def task_centric(self) -> None:
        """Does nothing: the schedule runs the job."""

    def asset_centric(self) -> None:
        """Controls only the source: the sensor runs the assets."""
        databases = self.stage.databases
        self.stale = self.stage.until("staleness", lambda: databases.became_stale(RAW, self.good_at))
        self.stage.when_stale()
        # Data published at the moment of staleness would meet the sensor's first attempt. The job never has such a lead.
        self.stage.until("attempts in vain", self._tried_in_vain)
        self.stage.source(behaviour="ok", publish=True)
        self.published_at = databases.now()
        self.raw = self._after_publication(lambda: databases.materialized(RAW, self.published_at))
        # Without raw data there is no summary.
        self.summary = self.raw and self._after_publication(lambda: databases.materialized(SUMMARY, self.published_at))
        self.job = self._after_publication(self._successful_jobs)
        self.stage.schedule(SCHEDULE).turn(on=False)
        self.moments += [("source silent", self.silent_at), ("source publishes", self.published_at)]
        self.moments += [("seen to be stale", at) for at in self.stale or ()]

    def _after_publication(self, poll: Callable[[], Any]) -> float | None:
        found = self.stage.until("fresh data", poll)
        return found[0] if found else None

    def _tried_in_vain(self) -> bool:
        """Whether both styles failed once. Assets count only if the sensor is on."""
        tried = [self.stage.runs_since(self.silent_at, job=JOB)]
        if self.stage.sensor().is_on():
            tried.append(self.stage.runs_since(self.silent_at, assets=frozenset({RAW})))
        return all(any(run.status == "FAILURE" for run in runs) for runs in tried)

    def _successful_jobs(self) -> list[float]:
        """End times of summaries whose data was fetched after the publication, at any launch time."""
        steps = self.stage.databases.steps([run.run_id for run in self.stage.runs_since(self.silent_at, job=JOB)])
        fetched = {step.run_id for step in steps if step.name == "fetch_data_from_api" and step.ended > self.published_at}
        return [step.ended for step in steps if step.name == "generate_summary" and step.run_id in fetched and not step.failed]

    def measure(self) -> None:
        """Adds the times from silence to each signal, from publication to fresh data, and the cost."""
        jobs = self._ended(self.stage.runs_since(self.silent_at, job=JOB))
        runs = self._ended(self.stage.runs_since(self.silent_at, assets=USERS))
        self.runs = {Style.TASK: jobs, Style.ASSET: runs}
        marked = self.stale[0] - self.good_at if self.stale else None
        for variant, style, found, mark in (
            (SCHEDULED, Style.TASK, jobs, self._marked_of(jobs)),
            (KEPT, Style.ASSET, runs, marked),
        ):
            failed = [run.ended - self.silent_at for run in found if run.status == "FAILURE" and run.ended]
            seen = [] if mark is None else [mark - (self.silent_at - self.good_at)]
            self.add("from the last good data until it is marked stale", variant, style, mark, "s")
            self.add("from the silence until a run has failed", variant, style, min(failed, default=None), "s")
            self.add("from the silence until somebody could know", variant, style, min([*failed, *seen], default=None), "s")
            self.add("runs spent", variant, style, len(found), "runs")
            self.add("steps spent", variant, style, self.steps(*found), "steps")
        for measure, variant, style, moment in (
            ("from publication to a fresh summary", SCHEDULED, Style.TASK, self.job),
            ("from publication to a fresh summary", KEPT, Style.ASSET, self.summary),
            ("from publication to fresh raw data", KEPT, Style.ASSET, self.raw),
        ):
            self.add(measure, variant, style, self._since_publication(moment), "s")

    def _marked_of(self, jobs: list[Run]) -> float | None:
        """Seconds until an asset that the job materialized became stale; None if it materializes none."""
        databases = self.stage.databases
        assets = set().union(*(databases.assets_of(run.run_id) for run in jobs))
        return min((at - self.good_at for asset in assets for at in databases.became_stale(asset, self.good_at)), default=None)

    def _ended(self, runs: list[Run]) -> list[Run]:
        return [self.stage.client.wait(run.run_id) for run in runs]

    def _since_publication(self, moment: float | None) -> float | None:
        return None if moment is None else moment - self.published_at
