"""Two topics of the briefs beyond the four situations: a backfill of keys, and one-off work."""

from __future__ import annotations

import json

from dagster_api.client import LOCATION, REPOSITORY, ApiError
from dagster_api.runs import ENDED, Run
from dagster_api.waiting import seen, wait_for
from demo.evaluation import queries
from demo.evaluation.figures import Style
from demo.evaluation.scenario import Scenario
from demo.evaluation.stage import key_of

KEYS = ("1", "2", "3", "4", "5")


def keys_of(run: Run) -> int:
    """The number of keys of a backfill's run: one, or a range."""
    first, last = (run.tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end"))
    return 1 if first is None or last is None else int(last) - int(first) + 1


class Backfill(Scenario):
    """Posts of five users, as partitions of an asset and of a job."""

    name = "backfill"
    situation = "Beyond the lesson"
    title = "A backfill of five keys"
    lane = "others"
    story = (
        "The posts of five users are fetched: as a backfill of five partitions of an asset, whose backfill policy allows one run "
        "for many, and as a backfill of the job that is partitioned by the same keys, which takes a run for each. Both are asked "
        "for at once, the asset's a moment earlier, so that it does not wait for a slot behind five runs."
    )

    def set_up(self) -> None:
        """Does nothing: a backfill replaces existing data."""

    def asked(self, params: dict[str, object]) -> str:
        """Launches a backfill of the keys; returns its id."""
        variables = {**params, "partitionNames": list(KEYS)}
        answer = self.stage.client.query(queries.BACKFILL, params=variables)["launchPartitionBackfill"]
        if answer["__typename"] != "LaunchBackfillSuccess":
            raise ApiError(f"the backfill was refused: {json.dumps(answer)}")
        return str(answer["backfillId"])

    def ended(self, backfill: str) -> tuple[float, list[Run]]:
        """Waits for a backfill's end; returns its launch time and its runs."""

        def ended() -> list[Run]:
            runs = self.stage.client.runs(tags=[{"key": "dagster/backfill", "value": backfill}])
            open_runs = [f"{run.run_id} is {run.status}" for run in runs if run.status not in ENDED]
            done = not open_runs and sum(map(keys_of, runs)) >= len(KEYS)
            return seen(runs if done else None, f"{len(runs)} runs, {open_runs}")

        runs = wait_for(f"the end of backfill {backfill}", ended, seconds=180, every=0.5)
        asked = self.stage.client.query(queries.BACKFILL_TIME, id=backfill)["partitionBackfillOrError"]["timestamp"]
        return float(asked), runs

    def task_centric(self) -> None:
        """Launches the asset's backfill, then the job's: the daemon looks for backfills only every 30 s."""
        of_asset = self.asked({"assetSelection": [key_of("user_posts")]})
        selector = {
            "partitionSetName": "user_posts_job_partition_set",
            "repositorySelector": {"repositoryName": REPOSITORY, "repositoryLocationName": LOCATION},
        }
        of_job = self.asked({"selector": selector})
        self.assets = self.ended(of_asset)
        self.job = self.ended(of_job)
        self.acted(Style.TASK, *self.job[1])

    def asset_centric(self) -> None:
        """Records the asset's run, first in the queue. Behind the job's five runs it would wait for a slot."""
        self.acted(Style.ASSET, *self.assets[1])

    def measure(self) -> None:
        """Adds runs, steps, and seconds from launch to last end. The daemon looks for backfills every 30 s."""
        for label, style, (asked, runs) in (
            ("partitioned job", Style.TASK, self.job),
            ("partitioned asset", Style.ASSET, self.assets),
        ):
            self.add("runs spent", label, style, len(runs), "runs")
            self.add("steps executed", label, style, self.steps(*runs), "steps")
            self.add("from request to last end", label, style, max(run.ended or 0 for run in runs) - asked, "s")
            self.add("runs that succeeded", label, style, sum(run.status == "SUCCESS" for run in runs), "runs")


class OneOff(Scenario):
    """A table that nothing writes any more is moved to the archive."""

    name = "one_off"
    situation = "Beyond the lesson"
    title = "One-off work: a table goes to the archive"
    lane = "others"
    story = "A table of the warehouse is moved to the archive, once by a job, once by an asset that does the same."

    def set_up(self) -> None:
        """Makes two retired tables."""
        self.clean()
        self.undo.callback(self.clean)
        for style in ("job", "asset"):
            self.stage.databases.warehouse(f"CREATE TABLE jobs.retired_{style} AS SELECT 1 AS kept")

    def clean(self) -> None:
        """Drops them."""
        for style in ("job", "asset"):
            for schema in ("jobs", "archive"):
                self.stage.databases.warehouse(f"DROP TABLE IF EXISTS {schema}.retired_{style}")

    @staticmethod
    def config(step: str, table: str) -> dict[str, object]:
        """The run config that names the table."""
        return {"ops": {step: {"config": {"tables": [table]}}}}

    def task_centric(self) -> None:
        """Runs the job."""
        config = self.config("move_to_archive", "jobs.retired_job")
        self.job = self.acted(Style.TASK, self.stage.play("archive_tables_job", config=config))

    def asset_centric(self) -> None:
        """Materializes the asset."""
        self.asset = self.acted(
            Style.ASSET, self.stage.materialize("archived_tables", config=self.config("archived_tables", "jobs.retired_asset"))
        )

    def measure(self) -> None:
        """Adds the cost, and the catalog entries that nobody will refresh."""
        for label, style, run in (("job", Style.TASK, self.job), ("asset", Style.ASSET, self.asset)):
            self.add_cost(label, style, run)
            entries = self.stage.databases.assets_of(run.run_id)
            self.add("entries left in the catalog", label, style, len(entries), "entries")
            moved = self.stage.databases.warehouse("SELECT to_regclass(%s) IS NOT NULL", f"archive.retired_{label}")
            self.add("table moved", label, style, float(moved[0][0]), "1 = yes")
