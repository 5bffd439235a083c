"""Guards the webserver's reads of run output. Runs write that folder, so nothing in it is trusted, nor its size."""

import asyncio
import codecs
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from dagster._core.storage.compute_log_manager import CapturedLogMetadata, ComputeIOType
from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION, MAX_FILENAME_LENGTH
from dagster._utils.security import non_secure_md5_hash_str
from dagster_graphql.implementation.execution import gen_captured_log_data
from dagster_graphql.schema.logs.compute_logs import from_captured_log_data
from dagster_graphql.schema.roots import subscription
from dagster_webserver.webserver import DagsterWebserver
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dagster_deployment import compute_logs
from dagster_deployment.log_sending import key_of
from dagster_deployment.mending import replace
from dagster_services.webserver.plain_files import open_file, open_folder, parts, size
from dagster_services.webserver.stored_logs import PLACE, is_stored, open_stored, stored_names

# The most that one answer holds of a file, whatever the request asks. A sparse file of 5 GiB costs its writer nothing.
MAX_READ_BYTES = 4 * 2**20
CHUNK_BYTES = 2**20
# A followed log begins at most this far from its end: the UI shows the last 5 MiB, and says so.
TAIL_BYTES = 6 * 2**20
FOLLOW_SECONDS = 1.0


class GuardedComputeLogManager(compute_logs.DeploymentComputeLogManager):
    """Reads only files below its folder, follows no link, and reads what runs have sent to Postgres."""

    # It sends nothing, and reads what runs wrote before OUTPUT_STORE was set.
    UNSENT = ""

    def get_captured_local_path(self, log_key: Sequence[str], extension: str, partial: bool = False) -> str:  # noqa: ARG002
        """The path of a log; the disk is not read.

        Raises:
            ValueError: the key leads outside the folder.
        """
        return str(Path(self._base_dir, *_names(log_key, extension)))

    def open_log(self, log_key: Sequence[str], extension: str) -> BinaryIO | None:
        """The open file of a log, or None if there is none. It may be in Postgres, or on the volume.

        Raises:
            ValueError: the key leads outside the folder.
        """
        names = _names(log_key, extension)
        return (
            open_stored(self.store, key_of(log_key, extension))
            or open_file(self._base_dir, names)
            # A run in a container of this host that was killed.
            or open_file(self._base_dir, [compute_logs.DeploymentComputeLogManager.UNSENT, *names])
        )

    def get_log_metadata(self, log_key: Sequence[str]) -> CapturedLogMetadata:
        """The place of a log, as the UI shows it below the text, and its links."""
        found = super().get_log_metadata(log_key)
        names = [key_of(log_key, extension) for extension in IO_TYPE_EXTENSION.values()]
        return found._replace(stdout_location=PLACE, stderr_location=PLACE) if is_stored(self.store, names) else found

    def is_capture_complete(self, log_key: Sequence[str]) -> bool:
        """Whether the file that marks the log as complete exists."""
        if file := self.open_log(log_key, compute_logs.COMPLETE):
            file.close()
        return file is not None

    def get_log_data_for_type(
        self, log_key: Sequence[str], io_type: ComputeIOType, offset: int | None = 0, max_bytes: int | None = None
    ) -> tuple[bytes | None, int]:
        """At most `MAX_READ_BYTES` from `offset`, as UTF-8, and the next offset; None if there is no such file."""
        start, most = max(offset or 0, 0), max_bytes or 0
        file = self.open_log(log_key, IO_TYPE_EXTENSION[io_type])
        if file is None:
            return None, start
        with file:
            file.seek(start)
            limit = most if 0 < most < MAX_READ_BYTES else MAX_READ_BYTES
            text, length = decoded(file.read(limit), limit)
        # Dagster decodes the logs of ticks and backfills as strict UTF-8.
        return text.encode(), start + length

    def get_log_keys_for_log_key_prefix(self, log_key_prefix: Sequence[str], io_type: ComputeIOType) -> Sequence[list[str]]:
        """The keys of the logs in a folder."""
        ending = f".{IO_TYPE_EXTENSION[io_type]}"
        if stored := self._stored_keys(log_key_prefix, IO_TYPE_EXTENSION[io_type]):
            return stored
        with open_folder(self._base_dir, parts(log_key_prefix)) as folder, os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_file(follow_symlinks=False) and entry.name.endswith(ending)]
        return [[*log_key_prefix, name.removesuffix(ending)] for name in names]

    def _stored_keys(self, log_key_prefix: Sequence[str], extension: str) -> list[list[str]]:
        if self.store is None:
            return []
        before, after = key_of(log_key_prefix, ""), f"\n{extension}"
        names = (name.removeprefix(before) for name in stored_names(self.store, before) if name.endswith(after))
        return [[*log_key_prefix, name.removesuffix(after)] for name in names]

    def tail(self, log_key: Sequence[str]) -> str:
        """The cursor where following a log starts."""
        return self.build_cursor(*(self._tail(log_key, extension) for extension in IO_TYPE_EXTENSION.values()))

    def _tail(self, log_key: Sequence[str], extension: str) -> int:
        file = self.open_log(log_key, extension)
        if file is None:
            return 0
        with file:
            return max(0, size(file) - TAIL_BYTES)


def decoded(read: bytes, limit: int) -> tuple[str, int]:
    """The text of a piece, and its bytes. A piece of `limit` bytes may cut its last character, which is left for the next."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(read, final=len(read) < limit)
    return text, len(read) - len(decoder.getstate()[0])


def _names(log_key: Sequence[str], extension: str) -> list[str]:
    """The names of the log's folders and file, as in Dagster."""
    *folders, last = log_key
    name = f"{last}.{extension}"
    if len(name) > MAX_FILENAME_LENGTH:
        name = f"{non_secure_md5_hash_str(last.encode())}.{extension}"
    return parts([*folders, name])


async def _followed(manager: GuardedComputeLogManager, log_key: Sequence[str], cursor: str | None) -> AsyncIterator[Any]:
    """A growing log, one piece at a time. Dagster puts all of it into a queue at once."""
    at, fresh = cursor or await run_in_threadpool(manager.tail, log_key), True
    while True:
        # This check comes first, so that the read below includes all writes before completion.
        complete = await run_in_threadpool(manager.is_capture_complete, log_key)
        data = await run_in_threadpool(manager.get_log_data, log_key, at, CHUNK_BYTES)
        if fresh or data.cursor != at:
            yield from_captured_log_data(data)
        elif complete:
            return
        else:
            await asyncio.sleep(FOLLOW_SECONDS)
        at, fresh = data.cursor or at, False


def _captured_logs(info: Any, log_key: Sequence[str], cursor: str | None = None) -> AsyncIterator[Any]:
    manager = info.context.instance.compute_log_manager
    if isinstance(manager, GuardedComputeLogManager):
        return _followed(manager, log_key, cursor)
    return gen_captured_log_data(info, log_key, cursor)


def _pieces(file: BinaryIO, length: int) -> Iterator[bytes]:
    """Yields `length` bytes of a file, then closes it: the file may grow meanwhile."""
    with file:
        while length and (piece := file.read(min(CHUNK_BYTES, length))):
            length -= len(piece)
            yield piece


def _download(manager: GuardedComputeLogManager, request: Request) -> Response:
    *log_key, extension = request.path_params["path"].split("/")
    try:
        file = manager.open_log(log_key, extension)
    except ValueError:
        file = None
    if file is None:
        raise HTTPException(404, detail="No log files available for download")
    length = size(file)
    name = quote("__".join(log_key) + f".{extension}")
    headers = {"Content-Length": str(length), "Content-Disposition": f"attachment; filename*=utf-8''{name}"}
    if request.method == "HEAD":
        file.close()
        return Response(headers=headers, media_type="application/octet-stream")
    return StreamingResponse(_pieces(file, length), headers=headers, media_type="application/octet-stream")


def guard_compute_logs() -> None:
    """Applies to this process only: dagster.yaml names the class for runs too, whose image has no such module."""
    download = DagsterWebserver.download_captured_logs_endpoint

    async def downloaded(webserver: DagsterWebserver[Any, Any], request: Request) -> Response:
        with webserver.request_context(request) as context:
            manager = context.instance.compute_log_manager
            if isinstance(manager, GuardedComputeLogManager):
                return _download(manager, request)
        answer: Response = await download(webserver, request)
        return answer

    replace(DagsterWebserver, "download_captured_logs_endpoint", downloaded)
    replace(compute_logs, "DeploymentComputeLogManager", GuardedComputeLogManager)
    replace(subscription, "gen_captured_log_data", _captured_logs)
