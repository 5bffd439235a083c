"""Freshness: a source that goes silent, and publishes again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evaluation.figures import Style
from evaluation.scenario import Scenario
from operate.runs import Run

JOB, SCHEDULE = "data_extraction_job", "data_extraction_schedule"
RAW, SUMMARY = "raw_user_data", "data_extraction_summary"
USERS = frozenset({RAW, "transformed_user_data", "user_data_csv", SUMMARY})
# Less than half of the window: what is older is fetched once more, before the source goes silent.
JUST_NOW_SECONDS = 25
SCHEDULED, KEPT = "job, by its schedule", "assets, by the freshness sensor"


class SilentSource(Scenario):
    """Nobody does anything by hand: the job has its schedule, the assets have their sensor."""

    name = "freshness_source"
    situation = "Freshness"
    title = "The source goes silent, then publishes"
    lane = "users"
    story = (
        "Both styles have good data. Then the source answers with errors. The job is started by its schedule, every "
        "minute; the assets are kept by the freshness sensor, with a window of one minute, which tries every minute as well. "
        "Once the staleness is visible and both have tried in vain, the source publishes new data. Nobody touches anything."
    )

    def set_up(self) -> None:
        """Raw data is fresh, of a moment ago; from now on the source is silent."""
        self.stage.source(behaviour="ok")
        databases = self.stage.databases
        if not databases.materialized(RAW, databases.now() - JUST_NOW_SECONDS):
            self.stage.materialize(RAW)
        self.fresh_at = databases.materialized(RAW, 0)[-1]
        self.stage.source(behaviour="fail")
        self.silent_at = self.stage.databases.now()
        self.stage.schedule(SCHEDULE).turn(on=True)

    def task_centric(self) -> None:
        """The schedule does it."""

    def asset_centric(self) -> None:
        """The sensor does it. What happens is the source's doing."""
        databases = self.stage.databases
        self.stale = self.stage.until("staleness", lambda: databases.became_stale(RAW, self.fresh_at))
        self.stage.when_stale()
        # Published at the moment of staleness, the data would meet the sensor's first attempt: a lead that the job never has.
        self.stage.until("attempts in vain", self._tried_in_vain)
        self.stage.source(behaviour="ok", publish=True)
        self.published_at = databases.now()
        self.raw = self._after_publication(lambda: databases.materialized(RAW, self.published_at))
        self.summary = self._after_publication(lambda: databases.materialized(SUMMARY, self.published_at))
        self.job = self._after_publication(self._successful_jobs)
        self.stage.schedule(SCHEDULE).turn(on=False)
        self.moments += [("source silent", self.silent_at), ("source publishes", self.published_at)]
        self.moments += [("seen to be stale", at) for at in self.stale or ()]

    def _after_publication(self, poll: Callable[[], Any]) -> float | None:
        found = self.stage.until("fresh data", poll)
        return found[0] if found else None

    def _tried_in_vain(self) -> bool:
        """Whether each has failed that tries at all: without the sensor the assets do not."""
        tried = [self.stage.runs_since(self.silent_at, job=JOB)]
        if self.stage.sensor().is_on():
            tried.append(self.stage.runs_since(self.silent_at, assets=frozenset({RAW})))
        return all(any(run.status == "FAILURE" for run in runs) for runs in tried)

    def _successful_jobs(self) -> list[float]:
        """When summaries were made of data whose fetch ended after the publication, whenever their run was launched."""
        steps = self.stage.databases.steps([run.run_id for run in self.stage.runs_since(self.silent_at, job=JOB)])
        fetched = {step.run_id for step in steps if step.name == "fetch_data_from_api" and step.ended > self.published_at}
        return [step.ended for step in steps if step.name == "generate_summary" and step.run_id in fetched and not step.failed]

    def measure(self) -> None:
        """What was visible when, when the data was fresh, and what it took; all from the moment of silence or of publication."""
        jobs = self._ended(self.stage.runs_since(self.silent_at, job=JOB))
        runs = self._ended(self.stage.runs_since(self.silent_at, assets=USERS))
        self.runs = {Style.TASK: jobs, Style.ASSET: runs}
        marked = self.stale[0] - self.silent_at if self.stale else None
        for variant, style, found, mark in ((SCHEDULED, Style.TASK, jobs, None), (KEPT, Style.ASSET, runs, marked)):
            failed = [run.ended - self.silent_at for run in found if run.status == "FAILURE" and run.ended]
            self.add("until the data is marked stale", variant, style, mark, "s")
            self.add("until a run has failed", variant, style, min(failed, default=None), "s")
            self.add("until somebody could know", variant, style, min([*failed, *([mark] if mark else [])], default=None), "s")
            self.add("runs spent", variant, style, len(found), "runs")
            self.add("steps spent", variant, style, self.steps(*found), "steps")
        for measure, variant, style, moment in (
            ("from publication to a fresh summary", SCHEDULED, Style.TASK, self.job),
            ("from publication to a fresh summary", KEPT, Style.ASSET, self.summary),
            ("from publication to fresh raw data", KEPT, Style.ASSET, self.raw),
        ):
            self.add(measure, variant, style, self._since_publication(moment), "s")

    def _ended(self, runs: list[Run]) -> list[Run]:
        return [self.stage.client.wait(run.run_id) for run in runs]

    def _since_publication(self, moment: float | None) -> float | None:
        return None if moment is None else moment - self.published_at

    def restore(self) -> None:
        """The source answers, the schedule is off again."""
        self.stage.source(behaviour="ok")
        self.stage.schedule(SCHEDULE).turn(on=False)
