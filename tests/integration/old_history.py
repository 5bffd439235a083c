"""Makes history with the Dagster that executes this file, or tells it: `python old_history.py make|tell FOLDER`.

Dagster 1.11 executes it, and the present one.
"""

import json
import os
import sys
from pathlib import Path

import dagster as dg

INSTANCE = """
storage:
  postgres:
    postgres_db:
      hostname: 127.0.0.1
      port: {env: DAGSTER_POSTGRES_PORT}
      username: dagster
      password: local
      db_name: {env: DAGSTER_POSTGRES_DB}
local_artifact_storage:
  module: dagster._core.storage.root
  class: LocalArtifactStorage
  config: {base_dir: FOLDER}
"""


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["north", "south"]))
def sales() -> int:
    """A partitioned asset."""
    return 1


@dg.asset
def total() -> int:
    """An asset without partitions."""
    return 2


@dg.asset_check(asset=total)
def total_is_positive() -> dg.AssetCheckResult:
    """A check."""
    return dg.AssetCheckResult(passed=True, metadata={"rows": 2})


@dg.op
def failing() -> None:
    """An op that fails."""
    raise dg.Failure("no such table")


@dg.job(tags={"team": "shop"})
def failing_job() -> None:
    """A job that fails."""
    failing()


def make(instance: dg.DagsterInstance) -> None:
    """Executes runs of every kind."""
    for partition in ("north", "south", "north"):
        dg.materialize([sales], instance=instance, partition_key=partition)
    dg.materialize([total, total_is_positive], instance=instance)
    failing_job.execute_in_process(instance=instance, raise_on_error=False)
    instance.report_runless_asset_event(dg.AssetObservation("total", metadata={"seen": 3}))


def tell(instance: dg.DagsterInstance) -> dict:
    """Returns the history as Dagster understands it."""
    runs = instance.get_runs()
    check = instance.event_log_storage.get_asset_check_execution_history(total_is_positive.check_key, limit=5)
    observed = instance.fetch_observations(dg.AssetKey("total"), limit=5).records
    return {
        "runs": {run.run_id: [run.job_name, run.status.value, run.tags.get("team")] for run in runs},
        "events": {run.run_id: [event.message for event in instance.all_logs(run.run_id)] for run in runs},
        "assets": sorted(key.to_user_string() for key in instance.all_asset_keys()),
        "partitions": sorted(instance.get_materialized_partitions(dg.AssetKey("sales"))),
        "checks": [[record.status.value, record.run_id] for record in check],
        "observations": [record.asset_observation.metadata["seen"].value for record in observed],
    }


def main(work: str, folder: str) -> None:
    """Prints the history as JSON."""
    home = Path(folder)
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text(INSTANCE.replace("FOLDER", folder))
    os.environ["DAGSTER_HOME"] = folder
    with dg.DagsterInstance.get() as instance:
        if work == "make":
            make(instance)
        print(json.dumps(tell(instance)))


if __name__ == "__main__":
    main(*sys.argv[1:])
