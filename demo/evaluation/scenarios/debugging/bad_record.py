"""Debugging a failure: a bad record at the source."""

from __future__ import annotations

from demo.evaluation.measure.claims import Claim, Source
from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.reported import Question
from demo.evaluation.measure.verdicts import ReasonedVerdict, ScenarioFigures, verdict
from demo.evaluation.scenarios.debugging.blocked_table import BlockedTable
from demo.evaluation.scenarios.debugging.failing import Failing

USERS = ("raw_user_data", "transformed_user_data", "user_data_csv", "data_extraction_summary")


def the_asset_again(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if the failed asset is enough, for a failed table and for a bad record."""
    record = figures.value(Measure.RUN_SUCCEEDS, Variant.ASSETS_AGAIN)
    job = figures.value(Measure.RUN_SUCCEEDS, Variant.FAILURE)
    table = figures.of_scenario(BlockedTable.name).value(Measure.RUN_SUCCEEDS, Variant.ASSETS_AGAIN)
    enough = [what for what, again in (("a failed table", table), ("a bad record", record)) if again == 1]
    said = f"enough for {' and for '.join(enough)}" if enough else "not enough"
    if record < 1:
        style = "in both styles" if job < 1 else "as assets only"
        needed = figures.value(Measure.STEPS, Variant.AFFECTED)
        said += f"; a bad record has been kept, and fails again {style}: with the fetch it takes {needed:.0f} steps"
    return verdict(holds=record == table == 1, partly=bool(enough)), said


class BadRecord(Failing):
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
    claims = (Claim(Source.LESSON, 9, "With assets, it means executing the failed asset again.", the_asset_again),)
    questions = (
        Question("A bad record, job from scratch", Measure.STEPS, (Variant.SCRATCH, Variant.AFFECTED)),
        Question(
            "A bad record: enough to make again what failed",
            Measure.RUN_SUCCEEDS,
            (Variant.FAILURE, Variant.ASSETS_AGAIN),
            more=True,
        ),
    )
    job, assets, product = "data_extraction_job", USERS, "transformed_user_data"
    culprit = ("transform", "The user with id")

    def set_up(self) -> None:
        """Turns the sensor off first, so that it retries nothing."""
        self.turn_sensor_off()
        super().set_up()

    def break_it(self) -> None:
        """Makes one record of the source bad."""
        self.deployment.source(behaviour="invalid")

    def mend(self) -> None:
        """Makes the source good again."""
        self.deployment.source(behaviour="ok")

    def count_rows(self) -> None:
        """Also counts the bad records in the assets' table of raw data."""
        super().count_rows()
        bad = "SELECT count(*) FROM assets.raw_user_data WHERE document #>> '{address,geo,lat}' = 'north'"
        self.bad_records = int(self.deployment.databases.warehouse(bad)[0][0])

    def measure(self) -> None:
        """Also adds the bad records that were kept."""
        super().measure()
        self.add(Measure.BAD_RECORDS, Variant.ASSETS, Style.ASSET, self.bad_records)
