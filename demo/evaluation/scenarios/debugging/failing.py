"""Debugging a failure, for several causes."""

from __future__ import annotations

from dagster_api.client import ASSET_JOB
from dagster_api.runs import Run
from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.play.scenario import Scenario


class Failing(Scenario):
    """A step of both styles fails. An alert names the run; a person continues from there."""

    # The job, the assets that do the same work, and the table that both make.
    job: str
    assets: tuple[str, ...]
    product: str
    culprit: tuple[str, str]
    failed: tuple[Run, Run]

    def set_up(self) -> None:
        """Breaks something after both styles have good data; both fail."""
        self.broken_at = self.deployment.databases.now()
        self.undo.callback(self.mend)
        self.break_it()
        job, assets = self.deployment.client.launch(self.job), self.deployment.client.launch(ASSET_JOB, assets=self.assets)
        self.failed = self.together(job, assets, ends="FAILURE")
        self.count_rows()
        self.asked = [self.find_culprit(run) for run in self.failed]
        self.mend()
        self.moments += [("broken", self.broken_at), ("mended", self.deployment.databases.now())]

    def break_it(self) -> None:
        """Causes the failure."""
        raise NotImplementedError

    def count_rows(self) -> None:
        """Counts the readable rows while it is broken."""
        self.usable = self.readable("jobs"), self.readable("assets")

    def mend(self) -> None:
        """Repairs the cause. It is harmless if nothing is broken."""
        raise NotImplementedError

    def task_centric(self) -> None:
        """Re-executes each style's run from failure, in parallel: an operator's first attempt."""
        job, assets = (self.deployment.client.reexecute(run.run_id, "FROM_FAILURE") for run in self.failed)
        self.from_failure, self.run_again = self.together(job, assets, ends=None)

    def asset_centric(self) -> None:
        """Materializes the affected assets and, in parallel, runs the job from scratch. Both are always enough."""
        scratch = self.deployment.client.reexecute(self.failed[0].run_id, "ALL_STEPS")
        affected = self.deployment.client.launch(ASSET_JOB, assets=self.assets)
        self.from_scratch, self.made_again = self.together(scratch, affected)

    def find_culprit(self, run: Run) -> tuple[int, bool]:
        """The number of calls from an alert to step and reason, and whether both are right. The alert holds the run's id."""
        (step, reason), calls = self.deployment.calls(lambda: self.deployment.culprit(run))
        return calls, self.culprit[0] in step and self.culprit[1] in reason

    def readable(self, schema: str) -> int:
        """The number of rows that readers of the product still get."""
        return int(self.deployment.databases.warehouse(f"SELECT count(*) FROM {schema}.{self.product}")[0][0])  # noqa: S608

    def measure(self) -> None:
        """Adds the cost to find and to repair the fault, and the rows still readable."""
        for style, (calls, right), usable in zip((Style.TASK, Style.ASSET), self.asked, self.usable, strict=True):
            self.add(Measure.CALLS_TO_CULPRIT, style.label, style, calls if right else None)
            self.add(Measure.READABLE_ROWS, style.label, style, usable)
        for variant, style, run in (
            (Variant.SCRATCH, Style.TASK, self.from_scratch),
            (Variant.FAILURE, Style.TASK, self.from_failure),
            (Variant.ASSETS_AGAIN, Style.ASSET, self.run_again),
            (Variant.AFFECTED, Style.ASSET, self.made_again),
        ):
            self.add_cost(variant, style, run)
            self.add(Measure.RUN_SUCCEEDS, variant, style, float(run.status == "SUCCESS"))
