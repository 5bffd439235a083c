"""The lesson's own example: peanut cookies."""

from __future__ import annotations

from demo.evaluation.measure.claims import Claim, Source
from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.reported import Question
from demo.evaluation.measure.source_lines import lines_of
from demo.evaluation.measure.verdicts import ReasonedVerdict, ScenarioFigures, verdict
from demo.evaluation.play.scenario import Scenario
from demo.evaluation.scenarios.cookies import ASSETS_FILE, JOBS_FILE

BOTH = (Variant.FORK, Variant.ASSETS)


def from_scratch(figures: ScenarioFigures) -> ReasonedVerdict:
    """Compares the steps of both."""
    job, assets = (figures.value(Measure.STEPS, variant) for variant in BOTH)
    said = f"{job:.0f} steps by the forked job, {assets:.0f} by assets on the dough that is there"
    return verdict(holds=assets < job, partly=assets == job), said


class PeanutCookies(Scenario):
    """The lesson's own example."""

    name = "reuse_peanuts"
    situation = "Re-use"
    title = "Peanut cookies, from dough that is there"
    lane = "others"
    story = "There is cookie dough. Somebody wants peanut cookies. The job is a fork that bakes from start to finish."
    claims = (Claim(Source.LESSON, 2, "Tasks bake from start to finish, assets from the dough that is there.", from_scratch),)
    questions = (
        Question("Peanut cookies", Measure.STEPS, BOTH),
        Question("Peanut cookies, code to write", Measure.LINES_TO_WRITE, BOTH),
    )

    def set_up(self) -> None:
        """Makes the dough."""
        self.first_time("ingredients", "eggs", "wet_ingredients", "dry_ingredients", "cookie_dough")

    def task_centric(self) -> None:
        """Runs the forked job."""
        self.job = self.acted(Style.TASK, self.deployment.play("peanut_cookie_job"))

    def asset_centric(self) -> None:
        """Materializes three assets."""
        self.assets = self.acted(Style.ASSET, self.deployment.materialize("peanuts", "peanut_cookie_dough", "peanut_cookies"))

    def measure(self) -> None:
        """Adds steps, seconds and lines."""
        self.add_cost(Variant.FORK, Style.TASK, self.job)
        self.add_cost(Variant.ASSETS, Style.ASSET, self.assets)
        lines = lines_of(JOBS_FILE, "fold_in_peanuts", "peanut_cookie_job")
        self.add(Measure.LINES_TO_WRITE, Variant.FORK, Style.TASK, lines)
        lines = lines_of(ASSETS_FILE, "peanuts", "peanut_cookie_dough", "peanut_cookies")
        self.add(Measure.LINES_TO_WRITE, Variant.ASSETS, Style.ASSET, lines)
