"""Runs store outputs in files, with the environment of the code location's image. The outputs name no I/O manager."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_deployment.io_manager import deployment_io_manager
from tests.conftest import repository_text
from tests.unit import kept_outputs

ENVIRONMENT = dict(re.findall(r"(DAGSTER_DEFAULT_IO_MANAGER_\w+)=([\w.]+)", repository_text("docker/code_server/Dockerfile")))


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Yields an instance with the default I/O manager that the image of the code location sets."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "dagster.yaml").touch()
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def run(instance: dg.DagsterInstance, name: str, **options: Any) -> dg.JobExecutionResult:
    """Executes a job as a run's container does: it imports the job, and stores outputs in files."""
    job = dg.build_reconstructable_job("tests.unit.kept_outputs", "job", (name,))
    return dg.execute_job(job, instance, **options)


def tags_of(key: Any) -> dict[str, str]:
    """Returns the tags with which the UI launches a partition of two dimensions."""
    tags = {f"dagster/partition/{name}": value for name, value in key.keys_by_dimension.items()}
    return {**tags, "dagster/partition": str(key)}


def value(instance: dg.DagsterInstance, asset: str, **options: Any) -> Any:
    """Returns the value of an asset as a sensor or a person loads it."""
    return kept_outputs.DEFINITIONS.get_asset_value_loader(instance).load_asset_value(asset, **options)


def test_partition_never_overwrites_another_partition(instance: dg.DagsterInstance) -> None:
    """Dagster's own I/O manager deleted the value of `eu`, although every run succeeded."""
    for partition in kept_outputs.REGIONS.get_partition_keys():
        assert run(instance, "regions_job", tags={"dagster/partition": partition}).success
    for key in kept_outputs.GRID.get_partition_keys():
        assert run(instance, "grid_job", tags=tags_of(key)).success
    assert run(instance, "collect_job").success
    assert value(instance, "collected") == {"eu": "eu", "eu/de": "eu/de", "EU": "EU"}
    assert value(instance, "all_of_grid") == {key: key for key in ("a|b/c", "a|c", "a/b|b/c", "a/b|c")}


def test_materialize_stores_both_partitions(instance: dg.DagsterInstance) -> None:
    """The issue shows this example, so people try it with `materialize`."""
    for partition in ("eu", "eu/de"):
        result = dg.materialize(
            [kept_outputs.orders, kept_outputs.copies], instance=instance, partition_key=partition,
            resources={"io_manager": deployment_io_manager},
        )  # fmt: skip
        assert result.success
    assert [value(instance, "copies", partition_key=key) for key in ("eu", "eu/de")] == ["eu", "eu/de"]


def reexecuted_from_failure(instance: dg.DagsterInstance, run_id: str) -> int:
    """Re-executes a run from failure without the reason for the failure, and returns the value of its last step."""
    job = dg.build_reconstructable_job("tests.unit.kept_outputs", "job", ("fan_out",))
    options = dg.ReexecutionOptions.from_failure(run_id, instance)
    config = {"ops": {"added": {"config": {"fails": False}}}}
    with dg.execute_job(job, instance, reexecution_options=options, run_config=config) as result:
        assert {event.step_key for event in result.get_step_success_events()} == {"added"}
        number: int = result.output_for_node("added")
        return number


def failed_run_id(instance: dg.DagsterInstance) -> str:
    """Executes a run whose last step fails, and returns its id."""
    config = {"ops": {"added": {"config": {"fails": True}}}}
    result = run(instance, "fan_out", run_config=config, raise_on_error=False)
    assert not result.success
    return result.run_id


def test_reexecution_from_failure_reads_outputs_of_dynamic_steps(instance: dg.DagsterInstance) -> None:
    """A re-execution must not repeat steps that succeeded, so it reads the files of the first run."""
    assert reexecuted_from_failure(instance, failed_run_id(instance)) == 6


def test_io_manager_reads_outputs_of_the_earlier_release(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade must lose no asset, partition or failed run. New values take precedence."""
    with monkeypatch.context() as before:
        for name in ENVIRONMENT:
            before.delenv(name)
        for partition in ("eu/de", "EU"):
            assert run(instance, "regions_job", tags={"dagster/partition": partition}).success
        for key in kept_outputs.GRID.get_partition_keys()[:2]:
            assert run(instance, "grid_job", tags=tags_of(key)).success
        failed = failed_run_id(instance)
    assert reexecuted_from_failure(instance, failed) == 6
    assert run(instance, "regions_job", tags={"dagster/partition": "eu"}).success
    assert [value(instance, "copies", partition_key=key) for key in ("eu", "eu/de", "EU")] == ["eu", "eu/de", "EU"]
    assert [value(instance, "grid", partition_key=key) for key in kept_outputs.GRID.get_partition_keys()[:2]] == ["a|b/c", "a|c"]
    assert not Path(instance.storage_directory()).with_name("outputs").joinpath("assets/copies=partitions/eu%2fde=value").exists()


def test_io_manager_names_a_missing_output_and_the_remedy(instance: dg.DagsterInstance) -> None:
    """A user must know which step to run first. A load that allows missing partitions leaves them out."""
    with pytest.raises(FileNotFoundError, match=r"^Nothing is kept at .*/orders=partitions/eu=value: run what makes it first\.$"):
        value(instance, "orders", partition_key="eu")
    assert run(instance, "regions_job", tags={"dagster/partition": "EU"}).success
    wanted = {
        "partition_key_range": dg.PartitionKeyRange("eu", "EU"),
        "input_definition_metadata": {"allow_missing_partitions": True},
    }
    assert value(instance, "orders", **wanted) == {"EU": "EU"}
