"""A switched schedule or sensor must stay switched. A tick of the daemon may write the state that it has read before."""

from __future__ import annotations

import pytest

from dagster_api.client import ApiError, Client
from dagster_api.schedules_and_sensors import sensor
from tests.conftest import Source

STOPPED = {"data": {"done": {"__typename": "StopSensorMutationResult"}}}


def state(status: str) -> dict:
    """Returns the API's answer about a sensor."""
    return {"data": {"found": {"state": {"id": "x", "status": status}}}}


def test_sensor_is_switched_again_if_a_tick_undoes_the_switch(source: Source) -> None:
    """A stopped sensor that runs on launches runs that nobody wants."""
    for answer in (state("RUNNING"), state("RUNNING"), STOPPED, state("RUNNING"), state("RUNNING"), STOPPED, state("STOPPED")):
        source.answer(answer)
    sensor(Client(source.url, "shop"), "new_orders").turn(on=False)
    assert len(source.requests) == 7


def test_sensor_that_does_not_stay_off_is_an_error(source: Source) -> None:
    """The caller must not go on as if it were off."""
    for _ in range(3):
        for answer in (state("RUNNING"), state("RUNNING"), STOPPED):
            source.answer(answer)
    source.answer(state("RUNNING"))
    with pytest.raises(ApiError, match="new_orders does not stay off: the daemon writes its state again"):
        sensor(Client(source.url, "shop"), "new_orders").turn(on=False)
