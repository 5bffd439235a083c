"""A dump gives way to runs, and is as fast as it can be on an idle machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from operate.pace import MOST_SECONDS, REST, WORK_SECONDS, Pace, idle_part, times

PIECE_SECONDS = 0.6 * WORK_SECONDS


@dataclass
class Machine:
    """A clock that moves only when somebody works or sleeps, and processors of which a part is idle."""

    idle: float
    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Lets time pass."""
        self.slept.append(round(seconds, 6))
        self.now += seconds

    def look(self) -> tuple[int, int]:
        """Idle time and all time, in millionths of a second."""
        return round(1_000_000 * self.now * self.idle), round(1_000_000 * self.now)


@pytest.mark.parametrize(("idle", "pauses"), [(0.0, 2), (0.19, 2), (0.21, 0), (1.0, 0)])
def test_work_pauses_only_while_no_processor_is_idle(idle: float, pauses: int) -> None:
    """Each piece takes more than half of the time after which it looks: four pieces are two looks."""
    machine = Machine(idle)
    pace = Pace(lambda: machine.now, machine.sleep, machine.look)
    for _ in range(4):
        machine.now += PIECE_SECONDS
        pace()
    assert machine.slept == [round(2 * PIECE_SECONDS * REST, 6)] * pauses


def test_work_that_is_alone_goes_on_for_longer() -> None:
    """On one processor, the work itself leaves nothing idle. Nobody waits for it then."""
    machine = Machine(0.0)
    pace = Pace(lambda: machine.now, machine.sleep, lambda: (round(1e6 * sum(machine.slept)), round(1e6 * machine.now)))
    for _ in range(20):
        machine.now += PIECE_SECONDS
        pace()
    assert len(machine.slept) == 1


def test_all_pauses_together_have_a_limit() -> None:
    """The tables of a dump are locked meanwhile."""
    machine = Machine(0.0)
    pace = Pace(lambda: machine.now, machine.sleep, machine.look)
    for _ in range(3000):
        machine.now += PIECE_SECONDS
        pace()
    assert MOST_SECONDS <= sum(machine.slept) < MOST_SECONDS + 3


def test_times_are_read_from_the_first_line(tmp_path: Path) -> None:
    """user, nice, system, idle, waiting for disks, interrupts, soft interrupts, stolen. The rest counts twice elsewhere."""
    stat = tmp_path / "stat"
    stat.write_text("cpu  10 20 30 400 50 6 7 8 90 100\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    assert times(stat) == (450, 531)
    assert times(tmp_path / "none") is None


def test_machine_that_does_not_say_counts_as_idle() -> None:
    """On macOS, or with an engine elsewhere."""
    assert (idle_part(None, None), idle_part((1, 5), (1, 5))) == (1.0, 1.0)
    assert idle_part((100, 200), (125, 300)) == 0.25
