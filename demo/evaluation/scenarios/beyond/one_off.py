"""One-off work: a table goes to the archive."""

from __future__ import annotations

from demo.evaluation.measure.claims import Claim, Source
from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.reported import Question
from demo.evaluation.measure.verdicts import ReasonedVerdict, ScenarioFigures, verdict
from demo.evaluation.play.scenario import Scenario

# A variant is also the end of its table's name.
ASSET = "asset"
BOTH = (Variant.JOB, ASSET)


def one_off(figures: ScenarioFigures) -> ReasonedVerdict:
    """Compares the catalog entries left behind, if both did the work."""
    job, asset = (figures.value(Measure.CATALOG_ENTRIES, variant) for variant in BOTH)
    moved = all(figures.value(Measure.TABLE_MOVED, variant) == 1 for variant in BOTH)
    said = f"{job:.0f} entries left in the catalog by the job, {asset:.0f} by the asset; {'both' if moved else 'not both'} did it"
    return verdict(holds=moved and job < asset, partly=moved and job == asset), said


class OneOff(Scenario):
    """A table that nothing writes any more is moved to the archive."""

    name = "one_off"
    situation = "Beyond the lesson"
    topic = "One-off work"
    title = "One-off work: a table goes to the archive"
    lane = "others"
    story = "A table of the warehouse is moved to the archive, once by a job, once by an asset that does the same."
    claims = (Claim(Source.COMPARISON, 8, "One-off migrations are better done by a job.", one_off),)
    questions = (Question("Left in the catalog afterwards", Measure.CATALOG_ENTRIES, BOTH),)
    keeps_data = False

    def set_up(self) -> None:
        """Makes two retired tables."""
        self.clean()
        self.undo.callback(self.clean)
        for style in BOTH:
            self.deployment.databases.warehouse(f"CREATE TABLE jobs.retired_{style} AS SELECT 1 AS kept")

    def clean(self) -> None:
        """Drops them."""
        for style in BOTH:
            for schema in ("jobs", "archive"):
                self.deployment.databases.warehouse(f"DROP TABLE IF EXISTS {schema}.retired_{style}")

    @staticmethod
    def config(step: str, table: str) -> dict[str, object]:
        """The run config that names the table."""
        return {"ops": {step: {"config": {"tables": [table]}}}}

    def task_centric(self) -> None:
        """Runs the job."""
        config = self.config("move_to_archive", "jobs.retired_job")
        self.job = self.acted(Style.TASK, self.deployment.play("archive_tables_job", config=config))

    def asset_centric(self) -> None:
        """Materializes the asset."""
        config = self.config("archived_tables", "jobs.retired_asset")
        self.asset = self.acted(Style.ASSET, self.deployment.materialize("archived_tables", config=config))

    def measure(self) -> None:
        """Adds the cost, and the catalog entries that nobody will refresh."""
        for label, style, run in ((Variant.JOB, Style.TASK, self.job), (ASSET, Style.ASSET, self.asset)):
            self.add_cost(label, style, run)
            entries = self.deployment.databases.assets_of(run.run_id)
            self.add(Measure.CATALOG_ENTRIES, label, style, len(entries))
            moved = self.deployment.databases.warehouse("SELECT to_regclass(%s) IS NOT NULL", f"archive.retired_{label}")
            self.add(Measure.TABLE_MOVED, label, style, float(moved[0][0]))
