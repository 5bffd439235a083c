"""Keeps what steps print: on a volume, or with OUTPUT_STORE=postgres in Postgres, from where the webserver shows it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION, LocalComputeLogManager

from dagster_deployment.log_sending import Log, Sending, key_of
from dagster_deployment.output_store import OutputStore

if TYPE_CHECKING:
    from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
    from dagster._serdes import ConfigurableClassData

COMPLETE = "complete"


class DeploymentComputeLogManager(LocalComputeLogManager):
    """Dagster's own manager for a folder. With OUTPUT_STORE=postgres it sends each file while it grows, then removes it."""

    # The folder of files that are being sent. A run that is killed leaves its own there.
    UNSENT = "unsent"

    def __init__(self, base_dir: str, **options: Any) -> None:
        self.store = OutputStore.from_environment(os.environ)
        super().__init__(str(Path(base_dir, self.UNSENT)) if self.store else base_dir, **options)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> DeploymentComputeLogManager:
        """The manager that dagster.yaml names."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Generator[CapturedLogContext, None, None]:
        """Captures what this process prints."""
        if self.store is None:
            with super().capture_logs(log_key) as context:
                yield context
            return
        sending = Sending(self.store, self._logs(log_key), key_of(log_key, COMPLETE))
        with self._sent(sending, log_key), sending.while_it_grows(), super().capture_logs(log_key) as context:
            yield context

    @contextmanager
    def open_log_stream(self, log_key: Sequence[str], io_type: ComputeIOType) -> Iterator[IO[Any] | None]:
        """Opens a log for text that no process prints, such as that of a tick. It goes on where it ended."""
        if self.store is None:
            with super().open_log_stream(log_key, io_type) as file:
                yield file
            return
        logs = self._logs(log_key, None)
        with self._sent(Sending(self.store, logs), log_key), super().open_log_stream(log_key, io_type) as file:
            yield file

    def send_left(self, run_id: str) -> None:
        """Sends what the killed processes of a run have printed, and not sent."""
        if self.store is None:
            return
        folder = Path(self._base_dir, run_id)
        for path in list(folder.rglob("*.err")):
            log_key = [run_id, *path.relative_to(folder).with_suffix("").parts]
            with self._sent(Sending(self.store, self._logs(log_key), key_of(log_key, COMPLETE)), log_key):
                pass

    def _logs(self, log_key: Sequence[str], start: int | None = 0) -> list[Log]:
        paths = {name: Path(self.get_captured_local_path(log_key, name)) for name in IO_TYPE_EXTENSION.values()}
        return [Log(key_of(log_key, name), path, start) for name, path in paths.items()]

    @contextmanager
    def _sent(self, sending: Sending, log_key: Sequence[str]) -> Iterator[None]:
        try:
            yield
        finally:
            if sending.finish():
                self._remove(log_key)

    def _remove(self, log_key: Sequence[str]) -> None:
        self.delete_logs(log_key=log_key)
        folder = Path(self.get_captured_local_path(log_key, COMPLETE)).parent
        # Folders of other logs are not empty.
        with suppress(OSError):
            while folder != Path(self._base_dir).resolve():
                folder.rmdir()
                folder = folder.parent
