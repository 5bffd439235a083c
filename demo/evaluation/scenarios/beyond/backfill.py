"""A backfill of keys."""

from __future__ import annotations

import json

from dagster_api.client import ApiError
from dagster_api.runs import ENDED, Run
from dagster_api.waiting import seen, wait_for
from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.measures import Measure
from demo.evaluation.measure.reported import Question
from demo.evaluation.play import queries
from demo.evaluation.play.deployment import key_of
from demo.evaluation.play.scenario import Scenario

KEYS = ("1", "2", "3", "4", "5")
JOB, ASSET = "partitioned job", "partitioned asset"


def keys_of(run: Run) -> int:
    """The number of keys of a backfill's run: one, or a range."""
    first, last = (run.tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end"))
    return 1 if first is None or last is None else int(last) - int(first) + 1


class Backfill(Scenario):
    """Posts of five users, as partitions of an asset and of a job."""

    name = "backfill"
    situation = "Beyond the lesson"
    topic = "Backfill"
    title = "A backfill of five keys"
    lane = "others"
    story = (
        "The posts of five users are fetched: as a backfill of five partitions of an asset, whose backfill policy allows one run "
        "for many, and as a backfill of the job that is partitioned by the same keys, which takes a run for each. Both are asked "
        "for at once, the asset's a moment earlier, so that it does not wait for a slot behind five runs."
    )
    questions = (Question("Five keys", Measure.RUNS_SPENT, (JOB, ASSET)),)

    def set_up(self) -> None:
        """Does nothing: a backfill replaces existing data."""

    def asked(self, params: dict[str, object]) -> str:
        """Launches a backfill of the keys; returns its id."""
        variables = {**params, "partitionNames": list(KEYS)}
        answer = self.deployment.client.query(queries.BACKFILL, params=variables)["launchPartitionBackfill"]
        if answer["__typename"] != "LaunchBackfillSuccess":
            raise ApiError(f"the backfill was refused: {json.dumps(answer)}")
        return str(answer["backfillId"])

    def ended(self, backfill: str) -> tuple[float, list[Run]]:
        """Waits for a backfill's end; returns its launch time and its runs."""

        def ended() -> list[Run]:
            runs = self.deployment.client.runs(tags=[{"key": "dagster/backfill", "value": backfill}])
            open_runs = [f"{run.run_id} is {run.status}" for run in runs if run.status not in ENDED]
            done = not open_runs and sum(map(keys_of, runs)) >= len(KEYS)
            return seen(runs if done else None, f"{len(runs)} runs, {open_runs}")

        runs = wait_for(f"the end of backfill {backfill}", ended, seconds=180, every=0.5)
        asked = self.deployment.client.query(queries.BACKFILL_TIME, id=backfill)["partitionBackfillOrError"]["timestamp"]
        return float(asked), runs

    def task_centric(self) -> None:
        """Launches the asset's backfill, then the job's: the daemon looks for backfills only every 30 s."""
        of_asset = self.asked({"assetSelection": [key_of("user_posts")]})
        selector = {
            "partitionSetName": "user_posts_job_partition_set",
            "repositorySelector": self.deployment.client.selector,
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
            (JOB, Style.TASK, self.job),
            (ASSET, Style.ASSET, self.assets),
        ):
            self.add(Measure.RUNS_SPENT, label, style, len(runs))
            self.add(Measure.STEPS, label, style, self.steps(*runs))
            self.add(Measure.UNTIL_LAST_END, label, style, max(run.ended or 0 for run in runs) - asked)
            self.add(Measure.RUNS_SUCCEEDED, label, style, sum(run.status == "SUCCESS" for run in runs))
