"""The phases of all scenarios: set up, act in both styles, measure, restore."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections import defaultdict
from contextlib import ExitStack
from typing import ClassVar

from dagster_api.runs import UNDER_WAY, Run
from demo.evaluation.measure.figures import Figure, Style
from demo.evaluation.measure.measures import Measure
from demo.evaluation.measure.reported import Reported
from demo.evaluation.measure.timeline import Bar, Mark, Played
from demo.evaluation.play.deployment import Deployment
from demo.evaluation.play.stopping import unstoppable


class Scenario(Reported, ABC):
    """One situation, played once. The scenarios of a `lane` are played in sequence, the lanes in parallel."""

    # Names of the locks that it holds, for things that both lanes use.
    holds: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, deployment: Deployment, number: int = 1) -> None:
        """Contacts nothing. `number` counts repetitions from 1."""
        self.deployment = deployment
        self.number = number
        # Its callbacks undo the changes, the last one first. All are called, even if one fails.
        self.undo = ExitStack()
        self.runs: dict[Style, list[Run]] = defaultdict(list)
        self.moments: list[tuple[str, float]] = []
        self.figures: list[Figure] = []

    @abstractmethod
    def set_up(self) -> None:
        """Brings data and source into the situation's first state."""

    @abstractmethod
    def task_centric(self) -> None:
        """Does the work with ops and jobs."""

    @abstractmethod
    def asset_centric(self) -> None:
        """Does the work with assets."""

    @abstractmethod
    def measure(self) -> None:
        """Adds the figures."""

    def restore(self) -> None:
        """Undoes its changes with the callbacks in `undo`."""
        with unstoppable():
            # It gets the first error, so that an error of undoing does not hide it.
            self.undo.__exit__(*sys.exc_info())

    def play(self) -> Played:
        """Plays the whole scenario once."""
        try:
            self.set_up()
            self.task_centric()
            self.asset_centric()
            self.measure()
        finally:
            self.restore()
        return Played(self.figures, *self._timeline())

    def turn_sensor_off(self) -> None:
        """Turns the sensor off until the scenario ends, and waits for the runs that it requested."""
        switch = self.deployment.sensor()
        self.undo.callback(switch.turn, on=switch.is_on())
        switch.turn(on=False)
        self.deployment.until("the end of what the sensor has asked for", lambda: not self._asked_by_sensor())

    def _asked_by_sensor(self) -> list[Run]:
        return [run for run in self.deployment.client.runs(statuses=UNDER_WAY) if "dagster/sensor_name" in run.tags]

    def acted(self, style: Style, *runs: Run) -> Run:
        """Records runs for a style; returns the last."""
        self.runs[style] += runs
        return runs[-1]

    def together(self, job: str, assets: str, ends: str | None = "SUCCESS") -> tuple[Run, Run]:
        """Records one run of each style, launched in parallel; returns both once they have ended."""
        of_job, of_assets = self.deployment.all_ended(job, assets, ends=ends)
        self.acted(Style.TASK, of_job)
        self.acted(Style.ASSET, of_assets)
        return of_job, of_assets

    def first_time(self, *assets: str) -> bool:
        """Materializes some assets in the first repetition only; returns whether it did."""
        first = self.number == 1
        if first:
            self.deployment.materialize(*assets)
        return first

    def add(self, measure: Measure, variant: str, style: Style, value: float | None) -> None:
        """Adds a figure.

        Raises:
            UnknownMeasureError: the measure is none.
        """
        self.figures.append(Figure(measure, variant, style, value))

    def steps(self, *runs: Run) -> int:
        """The number of steps that some runs executed."""
        return len(self.deployment.databases.steps([run.run_id for run in runs]))

    def add_cost(self, variant: str, style: Style, *runs: Run) -> None:
        """Adds the cost of runs: executed steps, and the sum of their seconds from launch to end."""
        self.add(Measure.STEPS, variant, style, self.steps(*runs))
        self.add(Measure.RUN_TIME, variant, style, sum(seconds(run) for run in runs))

    def _timeline(self) -> tuple[list[Bar], list[Mark]]:
        steps = {style: self.deployment.databases.steps([run.run_id for run in runs]) for style, runs in self.runs.items()}
        times = [step.started for found in steps.values() for step in found] + [at for _, at in self.moments]
        zero = min(times, default=0)
        bars = [
            Bar(str(style), step.name, round(step.started - zero, 2), round(step.ended - zero, 2), step.failed)
            for style, found in steps.items()
            for step in found
        ]
        return bars, [Mark(label, round(at - zero, 2)) for label, at in self.moments]


def seconds(run: Run) -> float:
    """Seconds from launch to end, by Dagster's own record.

    Raises:
        ValueError: it has not ended.
    """
    if run.ended is None:
        raise ValueError(f"run {run.run_id} is {run.status}: it has taken no time yet")
    return run.ended - run.created
