"""Runs whose outputs name no I/O manager, on an instance with files, with the environment of the image of the code location."""

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
    """With the default I/O manager that the image of the code location chooses."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "dagster.yaml").touch()
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def run(instance: dg.DagsterInstance, name: str, **options: Any) -> dg.JobExecutionResult:
    """A run as its container makes it: the job is imported, and outputs go through files."""
    job = dg.build_reconstructable_job("tests.unit.kept_outputs", "job", (name,))
    return dg.execute_job(job, instance, **options)


def tags_of(key: Any) -> dict[str, str]:
    """How the UI launches a partition of two dimensions."""
    tags = {f"dagster/partition/{name}": value for name, value in key.keys_by_dimension.items()}
    return {**tags, "dagster/partition": str(key)}


def value(instance: dg.DagsterInstance, asset: str, **options: Any) -> Any:
    """As a sensor or a person reads it."""
    return kept_outputs.DEFINITIONS.get_asset_value_loader(instance).load_asset_value(asset, **options)


def test_no_partition_damages_another(instance: dg.DagsterInstance) -> None:
    """With Dagster's own I/O manager the value of `eu` was deleted, and every run succeeded."""
    for partition in kept_outputs.REGIONS.get_partition_keys():
        assert run(instance, "regions_job", tags={"dagster/partition": partition}).success
    for key in kept_outputs.GRID.get_partition_keys():
        assert run(instance, "grid_job", tags=tags_of(key)).success
    assert run(instance, "collect_job").success
    assert value(instance, "collected") == {"eu": "eu", "eu/de": "eu/de", "EU": "EU"}
    assert value(instance, "all_of_grid") == {key: key for key in ("a|b/c", "a|c", "a/b|b/c", "a/b|c")}


def test_materialize_keeps_both(instance: dg.DagsterInstance) -> None:
    """The example of the issue, as people try it."""
    for partition in ("eu", "eu/de"):
        result = dg.materialize(
            [kept_outputs.orders, kept_outputs.copies], instance=instance, partition_key=partition,
            resources={"io_manager": deployment_io_manager},
        )  # fmt: skip
        assert result.success
    assert [value(instance, "copies", partition_key=key) for key in ("eu", "eu/de")] == ["eu", "eu/de"]


def again(instance: dg.DagsterInstance, run_id: str) -> int:
    """Re-executes from failure without the reason for it, and returns the last step's value."""
    job = dg.build_reconstructable_job("tests.unit.kept_outputs", "job", ("fan_out",))
    options = dg.ReexecutionOptions.from_failure(run_id, instance)
    config = {"ops": {"added": {"config": {"fails": False}}}}
    with dg.execute_job(job, instance, reexecution_options=options, run_config=config) as result:
        assert {event.step_key for event in result.get_step_success_events()} == {"added"}
        number: int = result.output_for_node("added")
        return number


def fails(instance: dg.DagsterInstance) -> str:
    """The id of a run whose last step has failed."""
    config = {"ops": {"added": {"config": {"fails": True}}}}
    result = run(instance, "fan_out", run_config=config, raise_on_error=False)
    assert not result.success
    return result.run_id


def test_a_run_is_made_again_from_where_it_failed(instance: dg.DagsterInstance) -> None:
    """Outputs of dynamic steps are read from the files of the run before."""
    assert again(instance, fails(instance)) == 6


def test_what_the_release_before_has_kept_is_still_read(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assets, partitions, and the steps of a run that failed before the release; what is made now comes first."""
    with monkeypatch.context() as before:
        for name in ENVIRONMENT:
            before.delenv(name)
        for partition in ("eu/de", "EU"):
            assert run(instance, "regions_job", tags={"dagster/partition": partition}).success
        for key in kept_outputs.GRID.get_partition_keys()[:2]:
            assert run(instance, "grid_job", tags=tags_of(key)).success
        failed = fails(instance)
    assert again(instance, failed) == 6
    assert run(instance, "regions_job", tags={"dagster/partition": "eu"}).success
    assert [value(instance, "copies", partition_key=key) for key in ("eu", "eu/de", "EU")] == ["eu", "eu/de", "EU"]
    assert [value(instance, "grid", partition_key=key) for key in kept_outputs.GRID.get_partition_keys()[:2]] == ["a|b/c", "a|c"]
    assert not Path(instance.storage_directory()).with_name("outputs").joinpath("assets/copies=partitions/eu%2fde=value").exists()


def test_a_missing_output_is_one_sentence_with_the_remedy(instance: dg.DagsterInstance) -> None:
    """Where a partition may be missing, it is left out."""
    with pytest.raises(FileNotFoundError, match=r"^Nothing is kept at .*/orders=partitions/eu=value: run what makes it first\.$"):
        value(instance, "orders", partition_key="eu")
    assert run(instance, "regions_job", tags={"dagster/partition": "EU"}).success
    wanted = {
        "partition_key_range": dg.PartitionKeyRange("eu", "EU"),
        "input_definition_metadata": {"allow_missing_partitions": True},
    }
    assert value(instance, "orders", **wanted) == {"EU": "EU"}
