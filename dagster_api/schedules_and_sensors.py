"""Reads and switches the state of schedules and sensors."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from dagster_api.client import ApiError, Client

SCHEDULE = """query Find($selector: ScheduleSelector!) { found: scheduleOrError(scheduleSelector: $selector) {
  ... on Schedule { state: scheduleState { id status } } } }"""
SENSOR = """query Find($selector: SensorSelector!) { found: sensorOrError(sensorSelector: $selector) {
  ... on Sensor { state: sensorState { id status } } } }"""
START_SCHEDULE = """mutation Start($selector: ScheduleSelector!) { done: startSchedule(scheduleSelector: $selector) {
  __typename ... on PythonError { message } } }"""
STOP_SCHEDULE = """mutation Stop($id: String!) { done: stopRunningSchedule(id: $id) {
  __typename ... on PythonError { message } } }"""
START_SENSOR = """mutation Start($selector: SensorSelector!) { done: startSensor(sensorSelector: $selector) {
  __typename ... on PythonError { message } } }"""
STOP_SENSOR = """mutation Stop($id: String!) { done: stopSensor(id: $id) { __typename ... on PythonError { message } } }"""
SWITCHED = {"ScheduleStateResult", "Sensor", "StopSensorMutationResult"}
# A tick reads the state and writes it a moment later, with its cursor: dagster 1.13.27, asset_daemon.py. On a busy machine a
# tick once undid a switch in that way, and nothing tells when a tick has ended.
SETTLE_SECONDS = 0.5
ATTEMPTS = 3


@dataclass(frozen=True)
class Switch:
    """A schedule or a sensor of the code location."""

    client: Client
    name: str
    selector_name: str
    find: str
    start: str
    stop: str

    def is_on(self) -> bool:
        """Whether it runs.

        Raises:
            ApiError: it does not exist.
        """
        return bool(self._state()["status"] == "RUNNING")

    def turn(self, *, on: bool) -> None:
        """Switches it on or off, if necessary, and makes sure that it stays so.

        Raises:
            ApiError: it does not exist, cannot be switched, or does not stay switched.
        """
        if self.is_on() == on:
            return
        for _ in range(ATTEMPTS):
            self._switch(on=on)
            time.sleep(SETTLE_SECONDS)
            if self.is_on() == on:
                return
        raise ApiError(f"{self.name} does not stay {'on' if on else 'off'}: the daemon writes its state again")

    def _switch(self, *, on: bool) -> None:
        query, arguments = (self.start, {"selector": self._selector()}) if on else (self.stop, {"id": self._state()["id"]})
        answer = self.client.query(query, **arguments)["done"]
        if answer["__typename"] not in SWITCHED:
            raise ApiError(f"{self.name} cannot be switched: {json.dumps(answer)}")

    def _selector(self) -> dict[str, str]:
        return {**self.client.selector, self.selector_name: self.name}

    def _state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.query(self.find, selector=self._selector())["found"]
        if "state" not in found:
            raise ApiError(f"there is no schedule or sensor {self.name}")
        return dict(found["state"])


def schedule(client: Client, name: str) -> Switch:
    """The switch of a schedule."""
    return Switch(client, name, "scheduleName", SCHEDULE, START_SCHEDULE, STOP_SCHEDULE)


def sensor(client: Client, name: str) -> Switch:
    """The switch of a sensor."""
    return Switch(client, name, "sensorName", SENSOR, START_SENSOR, STOP_SENSOR)
