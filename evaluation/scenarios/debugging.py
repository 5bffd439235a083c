"""Debugging what fails: a bad record at the source, a table that cannot be replaced."""

from __future__ import annotations

from evaluation.figures import Style
from evaluation.scenario import Scenario
from operate.runs import Run

USERS = ("raw_user_data", "transformed_user_data", "user_data_csv", "data_extraction_summary")
JOB, ASSETS = "data_extraction_job", "users_assets_job"
SCRATCH, FAILURE, ONLY = "job, from scratch", "job, from failure", "assets, what is affected"
RUN_AGAIN = "assets, from failure"


class _Failing(Scenario):
    """Something makes a step of both styles fail; an alert names the run, and a person goes on from there."""

    lane = "users"
    # The sensor tries failed assets again every minute: nobody could tell its runs from those of the person.
    holds = frozenset({"sensor"})
    culprit: tuple[str, str]
    failed: list[Run]

    sensor_was_on = True

    def set_up(self) -> None:
        """Both styles have good data, of the scenario before; then something breaks, and both fail."""
        self.sensor_was_on = self.stage.sensor().is_on()
        self.stage.sensor().turn(on=False)
        self.broken_at = self.stage.databases.now()
        self.break_it()
        launched = [self.stage.client.launch(job) for job in (JOB, ASSETS)]
        self.failed = [self.stage.ended(run, "FAILURE") for run in launched]
        self.acted(Style.TASK, self.failed[0])
        self.acted(Style.ASSET, self.failed[1])
        self.usable = self.readable("jobs"), self.readable("assets")
        bad = "SELECT count(*) FROM assets.raw_user_data WHERE document #>> '{address,geo,lat}' = 'north'"
        self.bad_records = int(self.stage.databases.warehouse(bad)[0][0])
        self.asked = [self.find_culprit(run) for run in self.failed]
        self.mend()
        self.moments += [("broken", self.broken_at), ("mended", self.stage.databases.now())]

    def break_it(self) -> None:
        """What goes wrong."""
        raise NotImplementedError

    def mend(self) -> None:
        """What a person does about the cause; harmless where nothing is broken."""
        raise NotImplementedError

    def task_centric(self) -> None:
        """From where it failed, as an operator would first try, in both styles at once; then everything again."""
        again = [self.stage.client.reexecute(run.run_id, "FROM_FAILURE") for run in self.failed]
        self.from_failure, self.run_again = (self.stage.ended(run, ends=None) for run in again)
        self.acted(Style.TASK, self.from_failure)
        self.acted(Style.ASSET, self.run_again)
        self.from_scratch = self.acted(
            Style.TASK, self.stage.ended(self.stage.client.reexecute(self.failed[0].run_id, "ALL_STEPS"))
        )

    def asset_centric(self) -> None:
        """The assets that are affected."""
        self.assets = self.acted(Style.ASSET, self.stage.materialize(*self.affected()))

    def affected(self) -> tuple[str, ...]:
        """The assets that have to be made again."""
        raise NotImplementedError

    def find_culprit(self, run: Run) -> tuple[int, bool]:
        """Calls from an alert, which holds the run's id, to the failed step and its reason; and whether both are right."""
        events, calls = self.stage.calls(lambda: self.stage.client.events(run.run_id))
        step, reason = self.culprit
        told = [event for event in events if event.get("eventType") == "STEP_FAILURE"]
        right = len(told) == 1 and step in str(told[0]["stepKey"]) and reason in str(told[0]["error"])
        return calls, right

    def readable(self, schema: str) -> int:
        """Rows that readers of the product still get."""
        return int(self.stage.databases.warehouse(f"SELECT count(*) FROM {schema}.transformed_user_data")[0][0])  # noqa: S608

    def measure(self) -> None:
        """Cost of finding, cost of mending, and what stayed usable."""
        for style, (calls, right), usable in zip((Style.TASK, Style.ASSET), self.asked, self.usable, strict=True):
            self.add("API calls from alert to culprit", style.label, style, calls if right else None, "calls")
            self.add("rows that stayed readable", style.label, style, usable, "rows")
        for variant, style, run in (
            (SCRATCH, Style.TASK, self.from_scratch),
            (FAILURE, Style.TASK, self.from_failure),
            (RUN_AGAIN, Style.ASSET, self.run_again),
            (ONLY, Style.ASSET, self.assets),
        ):
            self.add_cost(variant, style, run)
            self.add("run succeeds", variant, style, float(run.status == "SUCCESS"), "1 = yes")
        self.add("bad records in the warehouse meanwhile", "assets", Style.ASSET, self.bad_records, "records")

    def restore(self) -> None:
        """Nothing stays broken, and the sensor is as it was."""
        self.mend()
        self.stage.sensor().turn(on=self.sensor_was_on)


class BadRecord(_Failing):
    """A record that is complete, and useless: it is found where it is used."""

    name = "debugging_record"
    situation = "Debugging"
    title = "A bad record at the source"
    story = (
        "The source publishes a user whose latitude is a word. Both styles fetch it, and fail where it is used. "
        "The source is mended; then the work is done again."
    )
    culprit = ("transform", "The user with id")

    def break_it(self) -> None:
        """One record of the source."""
        self.stage.source(behaviour="invalid")

    def mend(self) -> None:
        """The source is right again."""
        self.stage.source(behaviour="ok")

    def affected(self) -> tuple[str, ...]:
        """All: the bad record is in the first."""
        return USERS


class BlockedTable(_Failing):
    """Somebody has made a view of a table, which cannot be replaced any more: the fault is in the middle."""

    name = "debugging_table"
    situation = "Debugging"
    title = "A table that cannot be replaced"
    story = (
        "Somebody has made a view of the table of users, so that Postgres refuses to replace it: the second step of both styles "
        "fails. The view is dropped; then the work is done again."
    )
    culprit = ("transform", "other objects depend on it")

    def break_it(self) -> None:
        """A view of each style's table."""
        for schema in ("jobs", "assets"):
            self.stage.databases.warehouse(f"CREATE VIEW {schema}.report AS SELECT * FROM {schema}.transformed_user_data")  # noqa: S608

    def mend(self) -> None:
        """Without them."""
        for schema in ("jobs", "assets"):
            self.stage.databases.warehouse(f"DROP VIEW IF EXISTS {schema}.report")

    def affected(self) -> tuple[str, ...]:
        """What is downstream of the fault, and the faulty one."""
        return USERS[1:]
