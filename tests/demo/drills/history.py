"""History of the demo in a deployment that a drill takes apart."""

from __future__ import annotations

from dagster_api.schedules_and_sensors import schedule, sensor
from tests.drills.comparing import put_odd_things_into_the_warehouse
from tests.locations.house import House
from tests.selector import LOCATION

SCHEDULES = ("data_extraction_schedule", "users_assets_schedule")
SENSORS = ("freshness_sensor", "run_failure_sensor")


def make_history(house: House) -> None:
    """Stops schedules and sensors, which would change it, and executes the jobs of both styles."""
    client = house.client(LOCATION)
    for name in SCHEDULES:
        schedule(client, name).turn(on=False)
    for name in SENSORS:
        sensor(client, name).turn(on=False)
    house.made("smoke")
    put_odd_things_into_the_warehouse(house.compose)
    client.quiet(seconds=120)
