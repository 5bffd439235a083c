"""Keeps return values of ops and assets that name no I/O manager: no key can touch another key's file.

Dagster's own I/O manager joins keys to paths: with partitions `eu` and `eu/de` it deletes the output of `eu`.
Here a name keeps only small letters, digits and `-_.`. It is thus unique on every file system, also without letter case.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO

import dagster as dg

from dagster_deployment.output_store import OutputStore

PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_.")
# File systems allow 255 bytes, and the endings below need 11 of them.
LONGEST = 200
SHOWN = 120
# A key never adds "=" to a name, so folders of parts, folders of partitions and files never collide.
PARTITIONS, VALUE = "=partitions", "=value"
# A larger value is on disk while it is sent.
IN_MEMORY_BYTES = 16 * 2**20
UNPICKLABLE = (AttributeError, ImportError, RecursionError, TypeError, pickle.PicklingError)


def file_name(part: str) -> str:
    """A name for `part`, and for no other text. A long name is cut, and ends with a hash of the whole."""
    raw = part.encode("utf-8", "surrogatepass")
    text = "".join(chr(byte) if byte in PLAIN else f"%{byte:02x}" for byte in raw)
    if text.startswith("."):
        text = f"%2e{text[1:]}"
    # "%" alone and "%h" are not escapes, so no other text has the same name.
    return f"{text[:SHOWN]}%h{hashlib.sha256(raw).hexdigest()}" if len(text) > LONGEST else text or "%"


class DeploymentIOManager(dg.IOManager):
    """Pickles below `folder`, or in the store; also reads the values that earlier releases left below `earlier`."""

    def __init__(self, folder: Path, earlier: Path, store: OutputStore | None = None) -> None:
        self.folder = folder
        self.earlier = earlier
        self.store = store

    def path(self, context: dg.InputContext | dg.OutputContext, partition: str | None = None) -> Path:
        """The file of an op's output, of an asset, or of one of its partitions."""
        kind, parts = ("assets", context.asset_key.path) if context.has_asset_key else ("runs", context.get_identifier())
        names = [file_name(part) for part in parts]
        if partition is None:
            return self.folder.joinpath(kind, *names[:-1], names[-1] + VALUE)
        # This also covers several dimensions: Dagster itself identifies such a partition by their joined text.
        return self.folder.joinpath(kind, *names[:-1], names[-1] + PARTITIONS, file_name(str(partition)) + VALUE)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Replaces the output atomically: a reader sees the old one or the new one.

        Raises:
            DagsterInvariantViolationError: the value cannot be pickled, or one value stands for several partitions.
        """
        path = self.path(context, _one_partition(context) if context.has_asset_partitions else None)
        context.log.debug("Writing %s", path)
        if self.store is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _replaced(path) as file:
                _dump(obj, file)
        else:
            with SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
                _dump(obj, file)
                file.seek(0)
                self.store.replace(self._key(path), file)
        # None mostly means that the code stores its data elsewhere: a path would mislead.
        if obj is not None:
            stored = {"key in outputs.part": dg.MetadataValue.text(str(path.relative_to(self.folder)))}
            context.add_output_metadata({"path": dg.MetadataValue.path(str(path))} if self.store is None else stored)

    def load_input(self, context: dg.InputContext) -> Any:
        """One value, or for several partitions a dictionary of those that have one.

        Raises:
            FileNotFoundError: no value was stored. A partition may be missing if metadata says `allow_missing_partitions`.
        """
        if not context.has_asset_key or not context.has_asset_partitions:
            return self._load(context, None)
        keys = list(context.asset_partition_keys)
        if len(keys) < 2:  # noqa: PLR2004 - one or none: as Dagster's own I/O manager, no dictionary
            return self._load_partition(context, keys[0]) if keys else None
        values = {key: self._load_partition(context, key) for key in keys}
        return {key: value for key, value in values.items() if value is not None}

    def _load_partition(self, context: dg.InputContext, partition: str) -> Any:
        try:
            return self._load(context, partition)
        except FileNotFoundError as error:
            if not (context.definition_metadata or {}).get("allow_missing_partitions"):
                raise
            context.log.warning("%s It is left out, as allow_missing_partitions says.", error)
            return None

    def _load(self, context: dg.InputContext, partition: str | None) -> Any:
        path = self.path(context, partition)
        if self.store is not None:
            with SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
                file.writelines(self.store.parts(self._key(path)))
                if file.tell():
                    file.seek(0)
                    return pickle.load(file)  # noqa: S301 - of this code location's own runs
        # Also after a change of OUTPUT_STORE.
        for kept in chain([path], self._earlier_paths(context, partition)):
            if kept.is_file():
                context.log.debug("Reading %s", kept)
                with kept.open("rb") as file:
                    return pickle.load(file)  # noqa: S301 - of this deployment's own runs
        raise FileNotFoundError(f"Nothing is kept at {path}: run what makes it first.")

    def _key(self, path: Path) -> str:
        return f"value\n{path.relative_to(self.folder)}"

    def _earlier_paths(self, context: dg.InputContext, partition: str | None) -> Iterator[Path]:
        """The paths of Dagster's own I/O manager. It is a fallback, because it imports more packages."""
        from dagster._core.storage.fs_io_manager import PickledObjectFilesystemIOManager  # noqa: PLC0415

        dagsters: Any = PickledObjectFilesystemIOManager(str(self.earlier))  # type: ignore[no-untyped-call]
        if partition is None:
            found = [dagsters._get_path(context)]  # noqa: SLF001 - it has no public way to ask
        else:
            now = dagsters._get_paths_for_partitions(context)  # noqa: SLF001
            before = dagsters._get_multipartition_backcompat_paths(context)  # noqa: SLF001
            found = [paths[partition] for paths in (now, before) if partition in paths]
        # A key with ".." led out of the folder.
        yield from (Path(path) for path in found if ".." not in path.parts)


def _one_partition(context: dg.OutputContext) -> str:
    keys = list(context.asset_partition_keys)
    if len(keys) != 1:
        raise dg.DagsterInvariantViolationError(
            f"One value of asset {context.asset_key.to_user_string()} is for {len(keys)} partitions, and is kept for one only: "
            "launch a run for each, or return nothing and declare it with the type None."
        )
    return keys[0]


@contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    """A new file beside `path`, then renamed to it: a step that is killed half-way leaves the old value."""
    aside = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with aside.open("xb") as file:
            yield file
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _dump(obj: Any, file: BinaryIO | SpooledTemporaryFile[bytes]) -> None:
    try:
        pickle.dump(obj, file)
    except UNPICKLABLE as error:
        raise dg.DagsterInvariantViolationError(
            f"A value of type {type(obj).__name__} cannot be pickled, so no other step can have it: "
            f"return something else, or name an I/O manager that can keep it ({error})."
        ) from error


@dg.io_manager(description="Pickles on the volume op_outputs or in Postgres. No key can touch the file of another.")
def deployment_io_manager(context: dg.InitResourceContext) -> DeploymentIOManager:
    """The I/O manager that DAGSTER_DEFAULT_IO_MANAGER_MODULE and _ATTRIBUTE name in the image of the code location."""
    if context.instance is None:
        raise dg.DagsterInvariantViolationError("Outputs are kept where the instance says: give the call an instance.")
    earlier = Path(context.instance.storage_directory())
    # Beside `earlier`, not in it: there, keys determined the folder names.
    return DeploymentIOManager(earlier.with_name("outputs"), earlier, OutputStore.from_environment(os.environ))
