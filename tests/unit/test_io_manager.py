"""Outputs without their own I/O manager never overwrite each other, whatever their names are."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import pytest
from dagster._core.definitions.partitions.utils.base import INVALID_PARTITION_SUBSTRINGS
from dagster._core.definitions.scoped_resources_builder import ScopedResourcesBuilder
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dagster_deployment.io_manager import LONGEST, DeploymentIOManager, file_name
from tests.unit import kept_outputs

# Paths consist of these pieces, so two generated keys often collide.
PIECES = ["a", "A", "b", "/", "..", ".", " ", "=", "=value", "%", "%2f", "|", "\\", "é", "e\u0301", "x" * 300, "\udce9"]
names = st.lists(st.sampled_from(PIECES), max_size=4).map("".join) | st.text(max_size=8)


# `dg.build_output_context` creates an instance for each context, which takes 0.1 s.
PLAIN: dict[str, Any] = {"resources": ScopedResourcesBuilder().build(None), "log_manager": logging.getLogger("kept")}


class Output(NamedTuple):
    """Identifies the output of a step, of an asset, or of one partition of an asset."""

    kind: str
    parts: tuple[str, ...]
    partition: str | None = None

    def output_context(self) -> dg.OutputContext:
        """Returns the context with which Dagster stores the output."""
        if self.kind == "step":
            step, name, mapping = (*self.parts, None)[:3]
            return dg.OutputContext(run_id="r", step_key=step, name=name, mapping_key=mapping, **PLAIN)
        return dg.OutputContext(asset_key=dg.AssetKey(self.parts), **self._partitioned(), **PLAIN)

    def input_context(self) -> dg.InputContext:
        """Returns the context with which Dagster loads the output."""
        if self.kind == "step":
            return dg.InputContext(upstream_output=self.output_context(), **PLAIN)
        return dg.InputContext(asset_key=dg.AssetKey(self.parts), **self._partitioned(), **PLAIN)

    def _partitioned(self) -> dict[str, Any]:
        if self.partition is None:
            return {}
        partitions = dg.StaticPartitionsDefinition([self.partition])
        subset = partitions.subset_with_partition_keys([self.partition])
        return {"asset_partitions_def": partitions, "asset_partitions_subset": subset}


def allowed(partition: str) -> bool:
    return partition != "" and not any(text in partition for text in INVALID_PARTITION_SUBSTRINGS)


parts = st.lists(names, min_size=1, max_size=3).map(tuple)
partitions = st.none() | names.filter(allowed)
steps = st.lists(names.filter(lambda name: name != ""), min_size=2, max_size=3).map(lambda found: Output("step", tuple(found)))
outputs = steps | st.tuples(parts, partitions).map(lambda found: Output("asset", *found))


@settings(max_examples=200)
@given(st.lists(outputs, min_size=2, max_size=5, unique=True))
@example([Output("asset", ("orders",), "eu"), Output("asset", ("orders",), "eu/de"), Output("asset", ("orders",))])
@example([Output("asset", ("orders", "eu")), Output("asset", ("orders",), "eu"), Output("asset", ("orders/eu",))])
@example([Output("asset", ("..", "a")), Output("asset", ("a",)), Output("asset", (".", "a")), Output("asset", ("", "a"))])
@example([Output("asset", ("x" * 300,)), Output("asset", ("x" * 301,)), Output("asset", ("y" * 300,))])
@example([Output("asset", ("A",)), Output("asset", ("a",)), Output("asset", ("é",)), Output("asset", ("e\u0301",))])
@example([Output("step", ("s", "n")), Output("step", ("s", "n", "m")), Output("step", ("s/n", "m"))])
def test_io_manager_never_overwrites_another_output(found: list[Output]) -> None:
    """User code chooses the keys. No key may replace another output, or write a file outside the folder."""
    with tempfile.TemporaryDirectory() as folder:
        manager = DeploymentIOManager(Path(folder, "outputs"), Path(folder, "storage"))
        for number, output in enumerate(found):
            manager.handle_output(output.output_context(), number)
        assert [manager.load_input(output.input_context()) for output in found] == list(range(len(found)))
        assert [path.name for path in Path(folder).iterdir()] == ["outputs"]


@given(names, names)
def test_file_name_is_different_for_two_different_texts(one: str, other: str) -> None:
    """Some file systems ignore letter case, and all limit a name's length. A name must not leave its folder."""
    assert (file_name(one) == file_name(other)) == (one == other)
    for name in (file_name(one), file_name(other)):
        assert name == name.lower()
        assert 0 < len(name.encode()) <= LONGEST
        assert "/" not in name
        assert "=" not in name
        assert not name.startswith(".")


def test_io_manager_keeps_the_old_value_after_a_failed_write(tmp_path: Path) -> None:
    """A later step must never load half a value. The message names the remedy."""
    manager, output = DeploymentIOManager(tmp_path, tmp_path), Output("step", ("s", "result"))
    manager.handle_output(output.output_context(), "before")
    with pytest.raises(
        dg.DagsterInvariantViolationError, match=r"^A value of type tuple cannot be pickled, so no other step can"
    ):
        manager.handle_output(output.output_context(), ("x" * 100_000, lambda: 1))
    assert manager.load_input(output.input_context()) == "before"
    assert [path.name for path in (tmp_path / "runs/r/s").iterdir()] == ["result=value"]


def test_io_manager_rejects_one_value_for_several_partitions(tmp_path: Path) -> None:
    """Dagster's own I/O manager rejects it too. The message names the asset and the number of partitions."""
    subset = kept_outputs.REGIONS.subset_with_partition_keys(["eu", "EU"])
    partitioned = {"asset_partitions_def": kept_outputs.REGIONS, "asset_partitions_subset": subset}
    context = dg.OutputContext(asset_key=dg.AssetKey("orders"), **partitioned, **PLAIN)
    with pytest.raises(
        dg.DagsterInvariantViolationError, match=r"^One value of asset orders is for 2 partitions, and is kept for one"
    ):
        DeploymentIOManager(tmp_path, tmp_path).handle_output(context, 1)
