"""Debugging what fails: a bad record at the source, a table that cannot be replaced."""

from __future__ import annotations

from evaluation.figures import Style
from evaluation.scenario import Scenario
from evaluation.scenarios.reuse import keep_posts_for_jobs
from operate.graphql import ASSET_JOB
from operate.runs import Run

USERS = ("raw_user_data", "transformed_user_data", "user_data_csv", "data_extraction_summary")
SCRATCH, FAILURE, ONLY = "job, from scratch", "job, from failure", "assets, what is affected"
RUN_AGAIN = "assets, from failure"


class _Failing(Scenario):
    """Something makes a step of both styles fail; an alert names the run, and a person goes on from there."""

    # The job, the assets that are the same work, and the table that both make.
    job: str
    assets: tuple[str, ...]
    product: str
    culprit: tuple[str, str]
    failed: tuple[Run, Run]

    def set_up(self) -> None:
        """Both styles have good data; then something breaks, and both fail."""
        self.broken_at = self.stage.databases.now()
        self.undo.callback(self.mend)
        self.break_it()
        job, assets = self.stage.client.launch(self.job), self.stage.client.launch(ASSET_JOB, assets=self.assets)
        self.failed = self.together(job, assets, ends="FAILURE")
        self.look_around()
        self.asked = [self.find_culprit(run) for run in self.failed]
        self.mend()
        self.moments += [("broken", self.broken_at), ("mended", self.stage.databases.now())]

    def break_it(self) -> None:
        """What goes wrong."""
        raise NotImplementedError

    def look_around(self) -> None:
        """What there is while it is broken."""
        self.usable = self.readable("jobs"), self.readable("assets")

    def mend(self) -> None:
        """What a person does about the cause; harmless where nothing is broken."""
        raise NotImplementedError

    def task_centric(self) -> None:
        """From where it failed, as an operator would first try: the run of each style, side by side."""
        job, assets = (self.stage.client.reexecute(run.run_id, "FROM_FAILURE") for run in self.failed)
        self.from_failure, self.run_again = self.together(job, assets, ends=None)

    def asset_centric(self) -> None:
        """What is always enough: the assets that are affected and, beside them, the job from scratch."""
        scratch = self.stage.client.reexecute(self.failed[0].run_id, "ALL_STEPS")
        affected = self.stage.client.launch(ASSET_JOB, assets=self.assets)
        self.from_scratch, self.made_again = self.together(scratch, affected)

    def find_culprit(self, run: Run) -> tuple[int, bool]:
        """Calls from an alert, which holds the run's id, to the failed step and its reason; and whether both are right."""
        (step, reason), calls = self.stage.calls(lambda: self.stage.culprit(run))
        return calls, self.culprit[0] in step and self.culprit[1] in reason

    def readable(self, schema: str) -> int:
        """Rows that readers of the product still get."""
        return int(self.stage.databases.warehouse(f"SELECT count(*) FROM {schema}.{self.product}")[0][0])  # noqa: S608

    def measure(self) -> None:
        """Cost of finding, cost of mending, and what stayed usable."""
        for style, (calls, right), usable in zip((Style.TASK, Style.ASSET), self.asked, self.usable, strict=True):
            self.add("API calls from alert to culprit", style.label, style, calls if right else None, "calls")
            self.add("rows that stayed readable", style.label, style, usable, "rows")
        for variant, style, run in (
            (SCRATCH, Style.TASK, self.from_scratch),
            (FAILURE, Style.TASK, self.from_failure),
            (RUN_AGAIN, Style.ASSET, self.run_again),
            (ONLY, Style.ASSET, self.made_again),
        ):
            self.add_cost(variant, style, run)
            self.add("run succeeds", variant, style, float(run.status == "SUCCESS"), "1 = yes")


class BadRecord(_Failing):
    """A record that is complete, and useless: it is found where it is used."""

    name = "debugging_record"
    situation = "Debugging"
    title = "A bad record at the source"
    lane = "users"
    # The sensor tries failed assets again every minute: nobody could tell its runs from those of the person.
    holds = frozenset({"sensor", "source"})
    story = (
        "The source publishes a user whose latitude is a word. Both styles fetch it, and fail where it is used. "
        "The source is mended; then the work is done again."
    )
    job, assets, product = "data_extraction_job", USERS, "transformed_user_data"
    culprit = ("transform", "The user with id")

    def set_up(self) -> None:
        """As ever, but nobody else tries again."""
        self.turn_sensor_off()
        super().set_up()

    def break_it(self) -> None:
        """One record of the source."""
        self.stage.source(behaviour="invalid")

    def mend(self) -> None:
        """The source is right again."""
        self.stage.source(behaviour="ok")

    def look_around(self) -> None:
        """The record is where the assets keep what they have fetched."""
        super().look_around()
        bad = "SELECT count(*) FROM assets.raw_user_data WHERE document #>> '{address,geo,lat}' = 'north'"
        self.bad_records = int(self.stage.databases.warehouse(bad)[0][0])

    def measure(self) -> None:
        """And what of it was kept."""
        super().measure()
        self.add("bad records in the warehouse meanwhile", "assets", Style.ASSET, self.bad_records, "records")


class BlockedTable(_Failing):
    """Somebody has made a view of a table, which cannot be replaced any more: the fault is at the end."""

    name = "debugging_table"
    situation = "Debugging"
    title = "A table that cannot be replaced"
    lane = "others"
    story = (
        "Somebody has made a view of the table of posts by city, so that Postgres refuses to replace it: the last step of the "
        "job fails, and the asset. The view is dropped; then the work is done again."
    )
    job, assets, product = "posts_by_city_from_tables_job", ("posts_by_city",), "posts_by_city"
    culprit = ("posts_by_city", "other objects depend on it")

    def set_up(self) -> None:
        """Both tables are there."""
        if self.first_time(*self.assets):
            keep_posts_for_jobs(self.stage)
            self.stage.play(self.job)
        super().set_up()

    def break_it(self) -> None:
        """A view of each style's table."""
        for schema in ("jobs", "assets"):
            self.stage.databases.warehouse(f"CREATE VIEW {schema}.report AS SELECT * FROM {schema}.{self.product}")  # noqa: S608

    def mend(self) -> None:
        """Without them."""
        for schema in ("jobs", "assets"):
            self.stage.databases.warehouse(f"DROP VIEW IF EXISTS {schema}.report")
