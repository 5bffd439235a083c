"""Sentences on how a run's container ended. Pure: they need only the engine's answers."""

from __future__ import annotations

from dataclasses import dataclass
from signal import SIGBUS, SIGKILL, Signals
from typing import Any

# The most output that a message shows; `docker logs` has the rest.
LINES, CHARACTERS = 20, 4_000
ENDED = {"exited", "dead"}
# A shell and Docker report this plus the signal's number for a process that a signal ended.
BY_SIGNAL = 128
MIB = 2**20


@dataclass(frozen=True)
class End:
    """How a container ended, in one or two sentences, and whether another attempt would end the same way."""

    said: str
    again: bool = False


def _of_signal(number: int, limits: dict[str, Any]) -> End:
    if number == SIGBUS:
        size = limits.get("ShmSize", 0) // MIB
        said = f"a file in memory was full (SIGBUS): /dev/shm holds {size} MiB, which RUN_SHM in .env sets"
        return End(f"{said}; RUN_TMP sets the size of /tmp and of the home folder", again=True)
    if number == SIGKILL:
        return End("it was killed from outside (SIGKILL): by hand, by the engine, or by a host that was short of memory")
    return End(f"its process was ended by {Signals(number).name}")


def _is_signal(code: int) -> bool:
    return code - BY_SIGNAL in set(Signals)


def end(state: dict[str, Any], limits: dict[str, Any]) -> End:
    """How a container ended, from the engine's `State` and `HostConfig`."""
    code = state["ExitCode"]
    if state.get("OOMKilled"):
        size = limits.get("Memory", 0) // MIB
        said = f"it needed more memory than the {size} MiB that RUN_MEMORY in .env allows; files in /tmp count"
        return End(f"{said} (exit code {code})", again=True)
    if _is_signal(code):
        found = _of_signal(code - BY_SIGNAL, limits)
        return End(f"{found.said} (exit code {code})", found.again)
    error = f": {state['Error']}" if state.get("Error") else ""
    return End(f"its exit code is {code}{error}")


def last_lines(output: bytes) -> str:
    """The last output lines of a container, as text that an event can hold."""
    text = output.decode(errors="replace").replace("\0", "").strip()
    return f"\nThe end of its output:\n{text[-CHARACTERS:]}" if text else "\nIt has printed nothing."
