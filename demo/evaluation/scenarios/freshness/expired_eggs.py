"""Freshness: eggs past their date."""

from __future__ import annotations

from dagster_api.runs import Run
from demo.evaluation.measure.claims import Claim, Source
from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.reported import Question
from demo.evaluation.measure.verdicts import ReasonedVerdict, ScenarioFigures, verdict
from demo.evaluation.play.scenario import Scenario, seconds
from demo.evaluation.scenarios.cookies import PLAIN_COOKIES

BAKED_OF_EGGS = ("wet_ingredients", "cookie_dough", "cookies")
AFTER_NEW_EGGS = ("take_eggs", "check_eggs", "mix_wet_ingredients", "mix_cookie_dough", "bake_cookies")
CHECKED_JOB, CHECKED_ASSETS = "job with a date check", "assets with a date check"


def eggs_before_baking(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if Dagster marks the eggs; partly if only the hand-written check stops them."""
    known = figures.value(Measure.EGGS_MARKED, Variant.ASSETS)
    labels = {Variant.JOB: CHECKED_JOB, Variant.ASSETS: CHECKED_ASSETS}
    stopped = {label: figures.value(Measure.CHECK_STOPS_EGGS, variant) for label, variant in labels.items()}
    said = "Dagster marks the eggs" if known else "Dagster sees when eggs were materialized, not what their date says"
    by = " and of the ".join(label for label, value in stopped.items() if value == 1) or "neither"
    said += f"; the hand-written check of the {by} stops old eggs"
    return verdict(holds=known == 1, partly=stopped[Variant.ASSETS] == 1), said


def restart(figures: ScenarioFigures) -> ReasonedVerdict:
    """Compares the steps after the failed check, with chosen steps of the job."""
    variants = (CHECKED_JOB, Variant.CHOSEN, CHECKED_ASSETS)
    whole, chosen, asset = (figures.value(Measure.STEPS_AFTER_EGGS, variant) for variant in variants)
    said = f"{whole:.0f} steps by the whole job, {chosen:.0f} by its chosen steps, {asset:.0f} by assets"
    return verdict(holds=chosen >= whole, partly=chosen > asset), said


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
    claims = (
        Claim(Source.LESSON, 6, "With assets one sees that the eggs are old before baking.", eggs_before_baking),
        Claim(Source.LESSON, 7, "With tasks, expired eggs mean starting all over.", restart),
    )
    questions = (
        Question("After buying new eggs, whole job", Measure.STEPS_AFTER_EGGS, (CHECKED_JOB, CHECKED_ASSETS)),
        Question("After buying new eggs, chosen steps", Measure.STEPS_AFTER_EGGS, (Variant.CHOSEN, CHECKED_ASSETS)),
    )
    plotted = Measure.STEPS_AFTER_EGGS

    def set_up(self) -> None:
        """Puts the old date into the asset's table. The job gets it from its run config."""
        self.first_time(*PLAIN_COOKIES)
        expire = 'UPDATE assets.eggs SET document = document || \'{"best_before": "2020-01-01"}\''
        self.deployment.databases.warehouse(expire)

    def task_centric(self) -> None:
        """Runs the job, which fails; then, with new eggs, its affected steps, then all steps."""
        old = {"ops": {"take_eggs": {"config": {"bought_on": "2020-01-01"}}}}
        self.failed_job = self.acted(Style.TASK, self.deployment.play("cookie_job", config=old, ends="FAILURE"))
        self.chosen = self.acted(Style.TASK, self.deployment.steps_again(self.failed_job, AFTER_NEW_EGGS, {}))
        self.job = self.acted(Style.TASK, self.deployment.play("cookie_job"))

    def asset_centric(self) -> None:
        """Materializes with old eggs, which fails; then new eggs and their downstream."""
        (node,) = self.deployment.assets("eggs")
        self.fresh_in_time = self.deployment.client.freshness("eggs")
        self.stale_status = node["staleStatus"]
        self.failed_asset = self.acted(Style.ASSET, self.deployment.materialize(*BAKED_OF_EGGS, ends="FAILURE"))
        self.assets = self.acted(Style.ASSET, self.deployment.materialize("eggs", *BAKED_OF_EGGS))

    def measure(self) -> None:
        """Adds the steps until there are cookies, and whether Dagster marked the old eggs."""
        self.measure_check(CHECKED_JOB, Style.TASK, "check_eggs", self.failed_job, self.job)
        self.measure_check(CHECKED_ASSETS, Style.ASSET, "wet_ingredients", self.failed_asset, self.assets)
        known = self.fresh_in_time == "DEGRADED" or self.stale_status == "STALE"
        self.add(Measure.EGGS_MARKED, Variant.ASSETS, Style.ASSET, float(known))
        self.add(Measure.STEPS_AFTER_EGGS, Variant.CHOSEN, Style.TASK, self.steps(self.chosen))

    def measure_check(self, variant: str, style: Style, checking: str, failed: Run, again: Run) -> None:
        """Adds the cost of a failed check and of the repair, and whether the step `checking` has failed."""
        self.add(Measure.STEPS_UNTIL_CHECK, variant, style, self.steps(failed))
        self.add(Measure.STEPS_AFTER_EGGS, variant, style, self.steps(again))
        self.add(Measure.RUN_TIME, variant, style, seconds(failed) + seconds(again))
        step, reason = self.deployment.culprit(failed)
        stopped = step == checking and "The eggs expired on" in reason
        self.add(Measure.CHECK_STOPS_EGGS, variant, style, float(stopped))
