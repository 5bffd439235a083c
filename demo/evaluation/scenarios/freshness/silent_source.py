"""Freshness: a source that goes silent, and publishes again."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from dagster_api.runs import UNDER_WAY, Run
from demo.evaluation import SHORT
from demo.evaluation.measure.claims import Claim, Source
from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.measures import Measure
from demo.evaluation.measure.reported import Question
from demo.evaluation.measure.verdicts import ReasonedVerdict, ScenarioFigures, Verdict, verdict
from demo.evaluation.play.scenario import Scenario

JOB, SCHEDULE = "data_extraction_job", "data_extraction_schedule"
RAW, SUMMARY = "raw_user_data", "data_extraction_summary"
USERS = frozenset({RAW, "transformed_user_data", "user_data_csv", SUMMARY})
# Less than the window of a minute: such data is not stale yet.
RECENT_SECONDS = 50
SCHEDULED, KEPT = "job, by its schedule", "assets, by the freshness sensor"
BOTH = (SCHEDULED, KEPT)
# The freshness window during the evaluation, in seconds.
WINDOW = float(SHORT["USERS_FRESHNESS_SECONDS"])


def stale_visible(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if assets are marked within two windows, and earlier than the job's data."""
    marked, by_job = (figures.value(Measure.UNTIL_STALE, variant) for variant in (KEPT, SCHEDULED))
    after, after_job = (figures.text(Measure.UNTIL_STALE, variant) for variant in (KEPT, SCHEDULED))
    mark = "the job marks no data" if by_job == inf else f"what the job made after {after_job} s"
    failed = figures.text(Measure.UNTIL_FAILURE, SCHEDULED)
    said = (
        f"marked stale {after} s after the last good data, window {WINDOW:.0f} s; {mark}; a run that its "
        f"schedule starts fails {failed} s after the source, as one of the assets' own schedule would, which is off here"
    )
    return verdict(holds=marked <= 2 * WINDOW and marked < by_job, partly=marked < inf), said


def by_itself(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if the sensor refreshes before the job's schedule; partly if it refreshes at all."""
    asset = figures.value(Measure.UNTIL_FRESH, KEPT)
    if figures.value(Measure.RUNS_SPENT, KEPT) == 0:
        return Verdict.NOT, "freshness_sensor launched no run: look in the UI whether it is on"
    order = figures.compare(Measure.UNTIL_FRESH, KEPT, SCHEDULED)
    scheduled, kept = (figures.text(Measure.UNTIL_FRESH, variant) for variant in BOTH)
    said = f"fresh after {kept} s by the sensor, after {scheduled} s by a schedule"
    ahead = {0: "neither was always ahead", 1: "the schedule was ahead", -1: "the sensor was ahead"}[order]
    return verdict(holds=asset < inf and order < 0, partly=asset < inf), f"{said}: {ahead}"


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
    claims = (
        Claim(Source.LESSON, 4, "With assets one sees how fresh data is.", stale_visible),
        Claim(Source.LESSON, 5, "What is expired is refreshed before going on, with tasks by starting again.", by_itself),
    )
    questions = (
        Question("Until a silent source is noticed, assets without a schedule", Measure.UNTIL_KNOWN, BOTH),
        Question("Until old data is marked as such", Measure.UNTIL_STALE, BOTH),
        Question("From new data to a fresh summary", Measure.UNTIL_FRESH, BOTH),
        Question("Steps while it was silent, and after", Measure.STEPS_SPENT, BOTH),
        Question("Runs while it was silent, and after", Measure.RUNS_SPENT, BOTH),
    )
    plotted = Measure.UNTIL_FRESH

    def set_up(self) -> None:
        """Fetches raw data a last time unless it is recent, then makes the source silent."""
        databases = self.deployment.databases
        self.undo.callback(self.deployment.source, behaviour="ok")
        self.undo.callback(self.deployment.schedule(SCHEDULE).turn, on=False)
        recently = databases.now() - RECENT_SECONDS
        if not databases.materialized(RAW, recently):
            self.deployment.materialize(RAW)
        # The sensor may have requested the same a moment ago. That run must end before the source is silent.
        self.deployment.until("the end of what is being fetched", lambda: not self._being_fetched())
        self.good_at = databases.materialized(RAW, recently)[-1]
        self.deployment.source(behaviour="fail")
        self.silent_at = databases.now()
        self.deployment.schedule(SCHEDULE).turn(on=True)

    def _being_fetched(self) -> bool:
        return any(RAW in run.assets for run in self.deployment.client.runs(statuses=UNDER_WAY))

    def task_centric(self) -> None:
        """Does nothing: the schedule runs the job."""

    def asset_centric(self) -> None:
        """Controls only the source: the sensor runs the assets."""
        databases = self.deployment.databases
        self.stale = self.deployment.until("staleness", lambda: databases.became_stale(RAW, self.good_at))
        self.deployment.when_stale()
        # Data published at the moment of staleness would meet the sensor's first attempt. The job never has such a lead.
        self.deployment.until("attempts in vain", self._tried_in_vain)
        self.deployment.source(behaviour="ok", publish=True)
        self.published_at = databases.now()
        self.raw = self._after_publication(lambda: databases.materialized(RAW, self.published_at))
        # Without raw data there is no summary.
        self.summary = self.raw and self._after_publication(lambda: databases.materialized(SUMMARY, self.published_at))
        self.job = self._after_publication(self._successful_jobs)
        self.deployment.schedule(SCHEDULE).turn(on=False)
        self.moments += [("source silent", self.silent_at), ("source publishes", self.published_at)]
        self.moments += [("seen to be stale", at) for at in self.stale or ()]

    def _after_publication(self, poll: Callable[[], Any]) -> float | None:
        found = self.deployment.until("fresh data", poll)
        return found[0] if found else None

    def _tried_in_vain(self) -> bool:
        """Whether both styles failed once. Assets count only if the sensor is on."""
        tried = [self.deployment.runs_since(self.silent_at, job=JOB)]
        if self.deployment.sensor().is_on():
            tried.append(self.deployment.runs_since(self.silent_at, assets=frozenset({RAW})))
        return all(any(run.status == "FAILURE" for run in runs) for runs in tried)

    def _successful_jobs(self) -> list[float]:
        """End times of summaries whose data was fetched after the publication, at any launch time."""
        steps = self.deployment.databases.steps([run.run_id for run in self.deployment.runs_since(self.silent_at, job=JOB)])
        fetched = {step.run_id for step in steps if step.name == "fetch_data_from_api" and step.ended > self.published_at}
        return [step.ended for step in steps if step.name == "generate_summary" and step.run_id in fetched and not step.failed]

    def measure(self) -> None:
        """Adds the times from silence to each signal, from publication to fresh data, and the cost."""
        jobs = self._ended(self.deployment.runs_since(self.silent_at, job=JOB))
        runs = self._ended(self.deployment.runs_since(self.silent_at, assets=USERS))
        self.runs = {Style.TASK: jobs, Style.ASSET: runs}
        marked = self.stale[0] - self.good_at if self.stale else None
        for variant, style, found, mark in (
            (SCHEDULED, Style.TASK, jobs, self._marked_of(jobs)),
            (KEPT, Style.ASSET, runs, marked),
        ):
            failed = [run.ended - self.silent_at for run in found if run.status == "FAILURE" and run.ended]
            seen = [] if mark is None else [mark - (self.silent_at - self.good_at)]
            self.add(Measure.UNTIL_STALE, variant, style, mark)
            self.add(Measure.UNTIL_FAILURE, variant, style, min(failed, default=None))
            self.add(Measure.UNTIL_KNOWN, variant, style, min([*failed, *seen], default=None))
            self.add(Measure.RUNS_SPENT, variant, style, len(found))
            self.add(Measure.STEPS_SPENT, variant, style, self.steps(*found))
        for measure, variant, style, moment in (
            (Measure.UNTIL_FRESH, SCHEDULED, Style.TASK, self.job),
            (Measure.UNTIL_FRESH, KEPT, Style.ASSET, self.summary),
            (Measure.UNTIL_RAW_DATA, KEPT, Style.ASSET, self.raw),
        ):
            self.add(measure, variant, style, self._since_publication(moment))

    def _marked_of(self, jobs: list[Run]) -> float | None:
        """Seconds until an asset that the job materialized became stale; None if it materializes none."""
        databases = self.deployment.databases
        assets = set().union(*(databases.assets_of(run.run_id) for run in jobs))
        return min((at - self.good_at for asset in assets for at in databases.became_stale(asset, self.good_at)), default=None)

    def _ended(self, runs: list[Run]) -> list[Run]:
        return [self.deployment.client.wait(run.run_id) for run in runs]

    def _since_publication(self, moment: float | None) -> float | None:
        return None if moment is None else moment - self.published_at
