"""Debugging a failure: a table that cannot be replaced."""

from __future__ import annotations

from demo.evaluation.measure.claims import Claim, Source
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.reported import Question
from demo.evaluation.measure.verdicts import ReasonedVerdict, ScenarioFigures, steps, verdict
from demo.evaluation.scenarios.debugging.failing import Failing
from demo.evaluation.scenarios.reuse.posts_by_city import keep_posts_for_jobs


def whole_pipeline(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if from failure takes as many steps as from scratch; partly if more than assets."""
    variants = (Variant.SCRATCH, Variant.FAILURE, Variant.AFFECTED)
    scratch, failure, asset = (figures.value(Measure.STEPS, variant) for variant in variants)
    said = f"{steps(failure)} from failure, {scratch:.0f} from scratch, {asset:.0f} as assets"
    return verdict(holds=failure >= scratch, partly=failure > asset), said


class BlockedTable(Failing):
    """A view on a table prevents its replacement: the fault is in the last step."""

    name = "debugging_table"
    situation = "Debugging"
    title = "A table that cannot be replaced"
    lane = "others"
    story = (
        "Somebody has made a view of the table of posts by city, so that Postgres refuses to replace it: the last step of the "
        "job fails, and the asset. The view is dropped; then the work is done again."
    )
    claims = (Claim(Source.LESSON, 8, "With tasks, debugging means executing the whole pipeline again.", whole_pipeline),)
    questions = (
        Question("A failed table, job from scratch", Measure.STEPS, (Variant.SCRATCH, Variant.AFFECTED)),
        Question("A failed table, job from failure", Measure.STEPS, (Variant.FAILURE, Variant.AFFECTED)),
    )
    job, assets, product = "posts_by_city_from_tables_job", ("posts_by_city",), "posts_by_city"
    culprit = ("posts_by_city", "other objects depend on it")

    def set_up(self) -> None:
        """Makes both tables first."""
        if self.first_time(*self.assets):
            keep_posts_for_jobs(self.deployment)
            self.deployment.play(self.job)
        super().set_up()

    def break_it(self) -> None:
        """Creates a view on each style's table."""
        for schema in ("jobs", "assets"):
            self.deployment.databases.warehouse(f"CREATE VIEW {schema}.report AS SELECT * FROM {schema}.{self.product}")  # noqa: S608

    def mend(self) -> None:
        """Drops the views."""
        for schema in ("jobs", "assets"):
            self.deployment.databases.warehouse(f"DROP VIEW IF EXISTS {schema}.report")
