"""Freshness: a source that goes silent and publishes again; eggs past their date; a refresh that brings nothing new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from evaluation.figures import Style
from evaluation.scenario import Scenario, seconds
from operate.runs import Run

JOB, SCHEDULE = "data_extraction_job", "data_extraction_schedule"
RAW, SUMMARY = "raw_user_data", "data_extraction_summary"
USERS = frozenset({RAW, "transformed_user_data", "user_data_csv", SUMMARY})
SCHEDULED, KEPT = "job, by its schedule", "assets, by the freshness sensor"


class SilentSource(Scenario):
    """Nobody does anything by hand: the job has its schedule, the assets have their sensor."""

    name = "freshness_source"
    situation = "Freshness"
    title = "The source goes silent, then publishes"
    lane = "users"
    story = (
        "Both styles have fetched unchanged data. Then the source answers with errors. The job is started by its schedule, every "
        "minute; the assets are kept by the freshness sensor, with a window of one minute, which tries every minute as well. "
        "Once the staleness is visible and both have tried in vain, the source publishes new data. Nobody touches anything."
    )
    # What the report wants to see at the moment of staleness.
    when_stale: ClassVar[Callable[[], None]] = staticmethod(lambda: None)

    def set_up(self) -> None:
        """Both have just fetched what they had already; from now on the source is silent."""
        self.stage.source(behaviour="ok")
        self.unchanged = self.stage.play(JOB)
        self.refreshed = self.stage.materialize(RAW)
        (self.fresh_at,) = self.stage.databases.materialized(RAW, self.refreshed.created)
        self.stage.source(behaviour="fail")
        self.silent_at = self.stage.databases.now()
        self.stage.schedule(SCHEDULE).turn(on=True)

    def task_centric(self) -> None:
        """The schedule does it."""

    def asset_centric(self) -> None:
        """The sensor does it. What happens is the source's doing."""
        databases = self.stage.databases
        self.stale = self.stage.until("staleness", lambda: databases.became_stale(RAW, self.fresh_at))
        type(self).when_stale()
        # Published at the moment of staleness, the data would meet the sensor's first attempt: a lead that the job never has.
        if self.stage.sensor().is_on():
            self.stage.until("attempts in vain", self._failed_refreshes)
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

    def _failed_refreshes(self) -> list[Run]:
        runs = self.stage.runs_since(self.silent_at, assets=frozenset({RAW}))
        return [run for run in runs if run.status == "FAILURE"]

    def _successful_jobs(self) -> list[float]:
        """When summaries were made of data that was fetched after the publication, whenever their run was launched."""
        steps = self.stage.databases.steps([run.run_id for run in self.stage.runs_since(self.silent_at, job=JOB)])
        fetched = {step.run_id for step in steps if step.name == "fetch_data_from_api" and step.started > self.published_at}
        return [step.ended for step in steps if step.name == "generate_summary" and step.run_id in fetched and not step.failed]

    def measure(self) -> None:
        """What was visible when, when the data was fresh, and what it took."""
        jobs = self.stage.runs_since(self.silent_at, job=JOB)
        runs = [run for run in self.stage.runs_since(self.fresh_at, assets=USERS) if run.run_id != self.refreshed.run_id]
        self.acted(Style.TASK, self.unchanged, *jobs)
        self.acted(Style.ASSET, self.refreshed, *runs)
        before = [run for run in runs if run.created < self.silent_at + 1 or set(run.assets) != {RAW}]
        followed = [run for run in before if run.created < self.published_at]
        self.add("until it is marked stale", SCHEDULED, Style.TASK, None, "s")
        self.add("until it is marked stale", KEPT, Style.ASSET, self.stale[0] - self.fresh_at if self.stale else None, "s")
        for variant, style, found in ((SCHEDULED, Style.TASK, jobs), (KEPT, Style.ASSET, runs)):
            failed = [run.ended for run in found if run.status == "FAILURE" and run.ended]
            self.add("until a run has failed", variant, style, failed[0] - self.silent_at if failed else None, "s")
        self.add("from publication to a fresh summary", SCHEDULED, Style.TASK, self._since_publication(self.job), "s")
        self.add("from publication to a fresh summary", KEPT, Style.ASSET, self._since_publication(self.summary), "s")
        self.add("from publication to fresh raw data", KEPT, Style.ASSET, self._since_publication(self.raw), "s")
        for variant, style, found in ((SCHEDULED, Style.TASK, jobs), (KEPT, Style.ASSET, runs)):
            self.add("runs spent", variant, style, len(found), "runs")
            self.add("steps spent", variant, style, self.steps(*found), "steps")
        self.add("steps when nothing has changed", "job", Style.TASK, self.steps(self.unchanged), "steps")
        self.add("steps when nothing has changed", "assets", Style.ASSET, self.steps(self.refreshed, *followed), "steps")

    def _since_publication(self, moment: float | None) -> float | None:
        return None if moment is None else moment - self.published_at

    def restore(self) -> None:
        """The source answers, the schedule is off again."""
        self.stage.source(behaviour="ok")
        self.stage.schedule(SCHEDULE).turn(on=False)


class ExpiredEggs(Scenario):
    """The hand-written date check that the lesson describes, in both styles."""

    name = "freshness_eggs"
    situation = "Freshness"
    title = "Eggs past their date"
    lane = "cookies"
    story = (
        "The eggs in the fridge are past their date. The job checks the date after taking them, fails, and is started again with "
        "new eggs. Of the assets, the wet ingredients fail; the eggs are bought anew, and the rest is made of them."
    )

    def set_up(self) -> None:
        """Eggs of long ago are in the fridge: in the configuration of the job, in the table of the asset."""
        self.stage.materialize("ingredients", "eggs", "wet_ingredients", "dry_ingredients", "cookie_dough", "cookies")
        expire = 'UPDATE assets.eggs SET document = document || \'{"best_before": "2020-01-01"}\''
        self.stage.databases.warehouse(expire)

    def task_centric(self) -> None:
        """It fails, then everything again."""
        old = {"ops": {"take_eggs": {"config": {"bought_on": "2020-01-01"}}}}
        self.failed_job = self.acted(Style.TASK, self.stage.play("cookie_job", config=old))
        self.job = self.acted(Style.TASK, self.stage.play("cookie_job"))

    def asset_centric(self) -> None:
        """It fails, then new eggs, and what is made of them."""
        (node,) = self.stage.assets("eggs")
        self.fresh_in_time = self.stage.client.freshness("eggs")
        self.stale_status = node["staleStatus"]
        self.failed_asset = self.acted(Style.ASSET, self.stage.materialize("wet_ingredients", "cookie_dough", "cookies"))
        self.assets = self.acted(Style.ASSET, self.stage.materialize("eggs", "wet_ingredients", "cookie_dough", "cookies"))

    def measure(self) -> None:
        """Steps until there are cookies, and whether Dagster knew that the eggs were old."""
        for variant, style, failed, again in (
            ("job with a date check", Style.TASK, self.failed_job, self.job),
            ("assets with a date check", Style.ASSET, self.failed_asset, self.assets),
        ):
            self.add("steps until the check has failed", variant, style, self.steps(failed), "steps")
            self.add("steps after buying eggs", variant, style, self.steps(again), "steps")
            self.add("time of the runs", variant, style, seconds(failed) + seconds(again), "s")
            refused = failed.status == "FAILURE" and again.status == "SUCCESS"
            self.add("the check stops old eggs", variant, style, float(refused), "1 = yes")
        known = self.fresh_in_time != "HEALTHY" or self.stale_status == "STALE"
        self.add("Dagster knows that the eggs are old", "job", Style.TASK, 0, "1 = yes")
        self.add("Dagster knows that the eggs are old", "assets", Style.ASSET, float(known), "1 = yes")


class NothingNew(Scenario):
    """Incremental materialization: the same eggs again."""

    name = "incremental"
    situation = "Freshness"
    title = "A refresh that brings nothing new"
    lane = "cookies"
    story = (
        "Eggs are bought again on the same day: the same eggs. The job bakes everything once more. Of the assets only the eggs "
        "are made, and the sensor looks twice at what is made of them."
    )

    def set_up(self) -> None:
        """Everything is there."""
        self.stage.materialize("ingredients", "eggs", "wet_ingredients", "dry_ingredients", "cookie_dough", "cookies")
        self.stage.wait_for_evaluations()
        self.wait_for_followers(0)

    def wait_for_followers(self, since: float) -> list[Run]:
        """Runs of the sensor that came of what was made since then, once they have ended."""
        made = frozenset(
            {"wet_ingredients", "dry_ingredients", "cookie_dough", "cookies", "peanut_cookie_dough", "peanut_cookies"}
        )
        runs = [run for run in self.stage.runs_since(since, assets=made) if "dagster/sensor_name" in run.tags]
        return [self.stage.client.wait(run.run_id) for run in runs]

    def task_centric(self) -> None:
        """The whole job."""
        self.job: Run = self.acted(Style.TASK, self.stage.play("cookie_job"))

    def asset_centric(self) -> None:
        """The eggs."""
        self.eggs = self.stage.materialize("eggs")
        self.stage.wait_for_evaluations()
        self.followed = self.wait_for_followers(self.eggs.created)
        self.acted(Style.ASSET, self.eggs, *self.followed)

    def measure(self) -> None:
        """Steps that were needed, and steps that were not."""
        self.add("steps executed", "job", Style.TASK, self.steps(self.job), "steps")
        self.add("steps executed", "assets", Style.ASSET, self.steps(self.eggs, *self.followed), "steps")
        self.add("steps that changed nothing", "job", Style.TASK, self.steps(self.job) - 1, "steps")
        self.add("steps that changed nothing", "assets", Style.ASSET, self.steps(*self.followed), "steps")
