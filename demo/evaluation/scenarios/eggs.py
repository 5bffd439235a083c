"""Freshness: eggs past their date, and a refresh that brings nothing new."""

from __future__ import annotations

from dagster_api.runs import Run
from demo.evaluation.figures import Style
from demo.evaluation.scenario import Scenario, seconds
from demo.evaluation.source_lines import lines_of
from demo.evaluation.stage import UnexpectedEndError

BAKED = frozenset({"wet_ingredients", "dry_ingredients", "cookie_dough", "cookies", "peanut_cookie_dough", "peanut_cookies"})
ASSETS_FILE = "defs/assets/cookies.py"
CHOSEN = "job, chosen steps"
PLAIN_COOKIES = ("ingredients", "eggs", "wet_ingredients", "dry_ingredients", "cookie_dough", "cookies")
# Twice the number of assets in a row.
ROUNDS = 12
BAKED_OF_EGGS = ("wet_ingredients", "cookie_dough", "cookies")
AFTER_NEW_EGGS = ("take_eggs", "check_eggs", "mix_wet_ingredients", "mix_cookie_dough", "bake_cookies")


class ExpiredEggs(Scenario):
    """The hand-written date check that the lesson describes, in both styles."""

    name = "freshness_eggs"
    situation = "Freshness"
    title = "Eggs past their date"
    lane = "others"
    story = (
        "The eggs in the fridge are past their date. The job checks the date after taking them, fails, and is started again with "
        "new eggs. Of the assets, the wet ingredients fail; the eggs are bought anew, and the rest is made of them. Eggs have a "
        "freshness policy too, of 28 days, which would mark eggs that were bought so long ago; here their date is changed in the "
        "table, behind Dagster's back."
    )

    def set_up(self) -> None:
        """Puts the old date into the asset's table. The job gets it from its run config."""
        self.first_time(*PLAIN_COOKIES)
        expire = 'UPDATE assets.eggs SET document = document || \'{"best_before": "2020-01-01"}\''
        self.stage.databases.warehouse(expire)

    def task_centric(self) -> None:
        """Runs the job, which fails; then, with new eggs, its affected steps, then all steps."""
        old = {"ops": {"take_eggs": {"config": {"bought_on": "2020-01-01"}}}}
        self.failed_job = self.acted(Style.TASK, self.stage.play("cookie_job", config=old, ends="FAILURE"))
        self.chosen = self.acted(Style.TASK, self.stage.steps_again(self.failed_job, AFTER_NEW_EGGS, {}))
        self.job = self.acted(Style.TASK, self.stage.play("cookie_job"))

    def asset_centric(self) -> None:
        """Materializes with old eggs, which fails; then new eggs and their downstream."""
        (node,) = self.stage.assets("eggs")
        self.fresh_in_time = self.stage.client.freshness("eggs")
        self.stale_status = node["staleStatus"]
        self.failed_asset = self.acted(Style.ASSET, self.stage.materialize(*BAKED_OF_EGGS, ends="FAILURE"))
        self.assets = self.acted(Style.ASSET, self.stage.materialize("eggs", *BAKED_OF_EGGS))

    def measure(self) -> None:
        """Adds the steps until there are cookies, and whether Dagster marked the old eggs."""
        for variant, style, checking, failed, again in (
            ("job with a date check", Style.TASK, "check_eggs", self.failed_job, self.job),
            ("assets with a date check", Style.ASSET, "wet_ingredients", self.failed_asset, self.assets),
        ):
            self.add("steps until the check has failed", variant, style, self.steps(failed), "steps")
            self.add("steps after buying eggs", variant, style, self.steps(again), "steps")
            self.add("time of the runs", variant, style, seconds(failed) + seconds(again), "s")
            step, reason = self.stage.culprit(failed)
            stopped = step == checking and "The eggs expired on" in reason
            self.add("the hand-written check stops old eggs", variant, style, float(stopped), "1 = yes")
        known = self.fresh_in_time == "DEGRADED" or self.stale_status == "STALE"
        self.add("Dagster marks eggs whose date was changed in the table", "assets", Style.ASSET, float(known), "1 = yes")
        self.add("steps after buying eggs", CHOSEN, Style.TASK, self.steps(self.chosen), "steps")


class NothingNew(Scenario):
    """Incremental materialization: the same eggs again."""

    name = "incremental"
    situation = "Freshness"
    title = "A refresh that brings nothing new"
    lane = "others"
    holds = frozenset({"sensor"})
    story = (
        "Eggs are bought again on the same day: the same eggs. The job bakes everything once more. Of the assets only the eggs "
        "are made, and the sensor has as long as it needs to find out that nothing follows from them."
    )

    def set_up(self) -> None:
        """Makes everything, and waits until the sensor requests nothing more."""
        if self.first_time(*PLAIN_COOKIES):
            self.followers(self.stage.databases.now())

    def task_centric(self) -> None:
        """Runs the whole job."""
        self.job: Run = self.acted(Style.TASK, self.stage.play("cookie_job"))

    def asset_centric(self) -> None:
        """Materializes the eggs, and waits for the sensor's runs."""
        self.eggs = self.stage.materialize("eggs")
        self.followed = self.followers(self.eggs.created)
        self.acted(Style.ASSET, self.eggs, *self.followed)

    def followers(self, since: float) -> list[Run]:
        """Waits until the sensor requests nothing more; returns its runs."""
        found: list[Run] = []
        for _ in range(ROUNDS):
            self.stage.wait_for_evaluations()
            runs = [run for run in self.stage.runs_since(since, assets=BAKED) if "dagster/sensor_name" in run.tags]
            if len(runs) == len(found):
                return found
            found = [self.stage.client.wait(run.run_id) for run in runs]
        raise UnexpectedEndError(f"the sensor goes on and on: it has launched {len(found)} runs")

    def measure(self) -> None:
        """Adds the steps of both. Without the sensor, the assets' number is unknown."""
        followed = self.steps(self.eggs, *self.followed) if self.stage.sensor().is_on() else None
        self.add("steps executed", "job", Style.TASK, self.steps(self.job), "steps")
        self.add("steps executed", "assets", Style.ASSET, followed, "steps")
        self.add(
            "lines that make a data version of the content", "assets", Style.ASSET, lines_of(ASSETS_FILE, "versioned"), "lines"
        )
