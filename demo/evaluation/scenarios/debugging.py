"""Debugging a failure: a bad record at the source, a table that cannot be replaced."""

from __future__ import annotations

from dagster_api.client import ASSET_JOB
from dagster_api.runs import Run
from demo.evaluation.figures import Style
from demo.evaluation.scenario import Scenario
from demo.evaluation.scenarios.reuse import keep_posts_for_jobs

USERS = ("raw_user_data", "transformed_user_data", "user_data_csv", "data_extraction_summary")
SCRATCH, FAILURE, ONLY = "job, from scratch", "job, from failure", "assets, what is affected"
RUN_AGAIN = "assets, from failure"


class _Failing(Scenario):
    """A step of both styles fails. An alert names the run; a person continues from there."""

    # The job, the assets that do the same work, and the table that both make.
    job: str
    assets: tuple[str, ...]
    product: str
    culprit: tuple[str, str]
    failed: tuple[Run, Run]

    def set_up(self) -> None:
        """Breaks something after both styles have good data; both fail."""
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
        """Causes the failure."""
        raise NotImplementedError

    def look_around(self) -> None:
        """Counts the readable rows while it is broken."""
        self.usable = self.readable("jobs"), self.readable("assets")

    def mend(self) -> None:
        """Repairs the cause. It is harmless if nothing is broken."""
        raise NotImplementedError

    def task_centric(self) -> None:
        """Re-executes each style's run from failure, in parallel: an operator's first attempt."""
        job, assets = (self.stage.client.reexecute(run.run_id, "FROM_FAILURE") for run in self.failed)
        self.from_failure, self.run_again = self.together(job, assets, ends=None)

    def asset_centric(self) -> None:
        """Materializes the affected assets and, in parallel, runs the job from scratch. Both are always enough."""
        scratch = self.stage.client.reexecute(self.failed[0].run_id, "ALL_STEPS")
        affected = self.stage.client.launch(ASSET_JOB, assets=self.assets)
        self.from_scratch, self.made_again = self.together(scratch, affected)

    def find_culprit(self, run: Run) -> tuple[int, bool]:
        """The number of calls from an alert to step and reason, and whether both are right. The alert holds the run's id."""
        (step, reason), calls = self.stage.calls(lambda: self.stage.culprit(run))
        return calls, self.culprit[0] in step and self.culprit[1] in reason

    def readable(self, schema: str) -> int:
        """The number of rows that readers of the product still get."""
        return int(self.stage.databases.warehouse(f"SELECT count(*) FROM {schema}.{self.product}")[0][0])  # noqa: S608

    def measure(self) -> None:
        """Adds the cost to find and to repair the fault, and the rows still readable."""
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
    """A complete but useless record, detected only where it is used."""

    name = "debugging_record"
    situation = "Debugging"
    title = "A bad record at the source"
    lane = "users"
    # The sensor retries failed assets every minute. Its runs would look like the person's runs.
    holds = frozenset({"sensor", "source"})
    story = (
        "The source publishes a user whose latitude is a word. Both styles fetch it, and fail where it is used. "
        "The source is mended; then the work is done again."
    )
    job, assets, product = "data_extraction_job", USERS, "transformed_user_data"
    culprit = ("transform", "The user with id")

    def set_up(self) -> None:
        """Turns the sensor off first, so that it retries nothing."""
        self.turn_sensor_off()
        super().set_up()

    def break_it(self) -> None:
        """Makes one record of the source bad."""
        self.stage.source(behaviour="invalid")

    def mend(self) -> None:
        """Makes the source good again."""
        self.stage.source(behaviour="ok")

    def look_around(self) -> None:
        """Also counts the bad records in the assets' table of raw data."""
        super().look_around()
        bad = "SELECT count(*) FROM assets.raw_user_data WHERE document #>> '{address,geo,lat}' = 'north'"
        self.bad_records = int(self.stage.databases.warehouse(bad)[0][0])

    def measure(self) -> None:
        """Also adds the bad records that were kept."""
        super().measure()
        self.add("bad records in the warehouse meanwhile", "assets", Style.ASSET, self.bad_records, "records")


class BlockedTable(_Failing):
    """A view on a table prevents its replacement: the fault is in the last step."""

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
        """Makes both tables first."""
        if self.first_time(*self.assets):
            keep_posts_for_jobs(self.stage)
            self.stage.play(self.job)
        super().set_up()

    def break_it(self) -> None:
        """Creates a view on each style's table."""
        for schema in ("jobs", "assets"):
            self.stage.databases.warehouse(f"CREATE VIEW {schema}.report AS SELECT * FROM {schema}.{self.product}")  # noqa: S608

    def mend(self) -> None:
        """Drops the views."""
        for schema in ("jobs", "assets"):
            self.stage.databases.warehouse(f"DROP VIEW IF EXISTS {schema}.report")
