"""Outputs without an I/O manager of their own: each survives every other, whatever it is called."""

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

# Pieces of which paths are made, so that two keys often meet.
PIECES = ["a", "A", "b", "/", "..", ".", " ", "=", "=value", "%", "%2f", "|", "\\", "é", "e\u0301", "x" * 300, "\udce9"]
names = st.lists(st.sampled_from(PIECES), max_size=4).map("".join) | st.text(max_size=8)


# `dg.build_output_context` makes an instance for each: 0.1 s.
PLAIN: dict[str, Any] = {"resources": ScopedResourcesBuilder().build(None), "log_manager": logging.getLogger("kept")}


class Output(NamedTuple):
    """The output of a step, or an asset, or one of its partitions."""

    kind: str
    parts: tuple[str, ...]
    partition: str | None = None

    def kept(self) -> dg.OutputContext:
        """How Dagster asks to keep it."""
        if self.kind == "step":
            step, name, mapping = (*self.parts, None)[:3]
            return dg.OutputContext(run_id="r", step_key=step, name=name, mapping_key=mapping, **PLAIN)
        return dg.OutputContext(asset_key=dg.AssetKey(self.parts), **self._partitioned(), **PLAIN)

    def asked(self) -> dg.InputContext:
        """How it asks for it."""
        if self.kind == "step":
            return dg.InputContext(upstream_output=self.kept(), **PLAIN)
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
def test_every_output_survives_every_other(found: list[Output]) -> None:
    """Kept in any order, with real files; nor is a file outside the folder, whatever the key."""
    with tempfile.TemporaryDirectory() as folder:
        manager = DeploymentIOManager(Path(folder, "outputs"), Path(folder, "storage"))
        for number, output in enumerate(found):
            manager.handle_output(output.kept(), number)
        assert [manager.load_input(output.asked()) for output in found] == list(range(len(found)))
        assert [path.name for path in Path(folder).iterdir()] == ["outputs"]


@given(names, names)
def test_two_texts_never_have_one_name(one: str, other: str) -> None:
    """Not even where letter case is ignored; every name fits, and is no way out of a folder."""
    assert (file_name(one) == file_name(other)) == (one == other)
    for name in (file_name(one), file_name(other)):
        assert name == name.lower()
        assert 0 < len(name.encode()) <= LONGEST
        assert "/" not in name
        assert "=" not in name
        assert not name.startswith(".")


def test_a_write_that_fails_leaves_the_value_before(tmp_path: Path) -> None:
    """And no half of a file; the sentence says what to do."""
    manager, output = DeploymentIOManager(tmp_path, tmp_path), Output("step", ("s", "result"))
    manager.handle_output(output.kept(), "before")
    with pytest.raises(
        dg.DagsterInvariantViolationError, match=r"^A value of type tuple cannot be pickled, so no other step can"
    ):
        manager.handle_output(output.kept(), ("x" * 100_000, lambda: 1))
    assert manager.load_input(output.asked()) == "before"
    assert [path.name for path in (tmp_path / "runs/r/s").iterdir()] == ["result=value"]


def test_one_value_of_several_partitions_is_refused(tmp_path: Path) -> None:
    """Dagster's own does as well; the sentence names the asset and the number."""
    subset = kept_outputs.REGIONS.subset_with_partition_keys(["eu", "EU"])
    partitioned = {"asset_partitions_def": kept_outputs.REGIONS, "asset_partitions_subset": subset}
    context = dg.OutputContext(asset_key=dg.AssetKey("orders"), **partitioned, **PLAIN)
    with pytest.raises(
        dg.DagsterInvariantViolationError, match=r"^One value of asset orders is for 2 partitions, and is kept for one"
    ):
        DeploymentIOManager(tmp_path, tmp_path).handle_output(context, 1)
