"""Plays scenarios: repetitions in sequence, two lanes in parallel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from demo.evaluation.measure.results import Result, Results
from demo.evaluation.play.deployment import Deployment
from demo.evaluation.play.progress import Progress
from demo.evaluation.play.scenario import Scenario
from demo.evaluation.play.stopping import StoppedError, stopping

LANES = ("users", "others")
# Locks for things that both lanes use, by the names in `holds`.
LOCKS = {"sensor": threading.Lock(), "source": threading.Lock()}


def play_lane(
    scenarios: Sequence[type[Scenario]], results: Results, repeat: int, connect: Callable[[], Deployment], progress: Progress
) -> None:
    """Plays a lane's scenarios, each while it holds its locks. A failed one does not end the others."""
    for scenario in scenarios:
        with ExitStack() as held:
            for name in sorted(scenario.holds):
                held.enter_context(LOCKS[name])
            play_scenario(scenario, results.scenarios[scenario.name], repeat, connect, progress)


def play_scenario(
    scenario: type[Scenario], result: Result, repeat: int, connect: Callable[[], Deployment], progress: Progress
) -> None:
    """Plays its repetitions until one fails: a row's figures come from the same repetitions."""
    for number in range(1, repeat + 1):
        if stopping.is_set():
            return
        try:
            result.played.append(scenario(connect(), number).play())
        except StoppedError:
            return
        except Exception as error:  # noqa: BLE001 - the report shows every error
            result.error = told(error)
            progress.step(f"{scenario.title}, {number} of {repeat}: FAILED", steps=repeat - number + 1)
            return
        progress.step(f"{scenario.title}, {number} of {repeat}")


def told(error: BaseException) -> str:
    """An error as text, with the one before it: the scenario's, if restoring failed too."""
    own = f"{type(error).__name__}: {error}"
    return f"{own}, after {told(error.__context__)}" if error.__context__ and not error.__cause__ else own
