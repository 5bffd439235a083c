"""Freshness: a refresh that brings nothing new."""

from __future__ import annotations

from math import inf

from dagster_api.runs import Run
from demo.evaluation.measure.claims import Claim, Source
from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.reported import Question
from demo.evaluation.measure.source_lines import lines_of
from demo.evaluation.measure.verdicts import ReasonedVerdict, ScenarioFigures, Verdict, steps, verdict
from demo.evaluation.play.deployment import UnexpectedEndError
from demo.evaluation.play.scenario import Scenario
from demo.evaluation.scenarios.cookies import ASSETS_FILE, PLAIN_COOKIES

BAKED = frozenset({"wet_ingredients", "dry_ingredients", "cookie_dough", "cookies", "peanut_cookie_dough", "peanut_cookies"})
# Twice the number of assets in a row.
ROUNDS = 12


def incremental(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds for one step and no hand-written data version; partly for fewer steps than the job."""
    job, asset = (figures.value(Measure.STEPS, variant) for variant in (Variant.JOB, Variant.ASSETS))
    if asset == inf:
        return Verdict.UNKNOWN, "the sensor is off: nobody knows what would have followed"
    lines = figures.value(Measure.VERSION_LINES, Variant.ASSETS)
    said = f"{steps(asset)} by assets, {job:.0f} by the job, for the same eggs; {lines:.0f} lines make a data version"
    return verdict(holds=asset == 1 and lines == 0, partly=asset < job), said


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
    claims = (Claim(Source.COMPARISON, 6, "Incremental updates are built in for assets.", incremental),)
    questions = (Question("A refresh that brings nothing new", Measure.STEPS),)

    def set_up(self) -> None:
        """Makes everything, and waits until the sensor requests nothing more."""
        if self.first_time(*PLAIN_COOKIES):
            self.followers(self.deployment.databases.now())

    def task_centric(self) -> None:
        """Runs the whole job."""
        self.job: Run = self.acted(Style.TASK, self.deployment.play("cookie_job"))

    def asset_centric(self) -> None:
        """Materializes the eggs, and waits for the sensor's runs."""
        self.eggs = self.deployment.materialize("eggs")
        self.followed = self.followers(self.eggs.created)
        self.acted(Style.ASSET, self.eggs, *self.followed)

    def followers(self, since: float) -> list[Run]:
        """Waits until the sensor requests nothing more; returns its runs."""
        found: list[Run] = []
        for _ in range(ROUNDS):
            self.deployment.wait_for_evaluations()
            runs = [run for run in self.deployment.runs_since(since, assets=BAKED) if "dagster/sensor_name" in run.tags]
            if len(runs) == len(found):
                return found
            found = [self.deployment.client.wait(run.run_id) for run in runs]
        raise UnexpectedEndError(f"the sensor goes on and on: it has launched {len(found)} runs")

    def measure(self) -> None:
        """Adds the steps of both. Without the sensor, the assets' number is unknown."""
        followed = self.steps(self.eggs, *self.followed) if self.deployment.sensor().is_on() else None
        self.add(Measure.STEPS, Variant.JOB, Style.TASK, self.steps(self.job))
        self.add(Measure.STEPS, Variant.ASSETS, Style.ASSET, followed)
        self.add(Measure.VERSION_LINES, Variant.ASSETS, Style.ASSET, lines_of(ASSETS_FILE, "versioned"))
