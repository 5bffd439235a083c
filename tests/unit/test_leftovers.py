"""Leftovers of a killed test run are found by the lane in their names and labels, and nothing else is."""

from __future__ import annotations

from tests.leftovers import of_lane


def test_only_objects_of_the_same_lane_are_found() -> None:
    """Neither another lane, nor lane 10, nor a deployment of the developer's own is touched."""
    listing = (
        "a1 stack_testgw1-webserver-1 com.docker.compose.project=stack_testgw1\n"
        "a2 loving_allen dagster/run_id=x,launch_gateway/project=demo_testgw1\n"
        "a3 stack_testgw10-webserver-1 com.docker.compose.project=stack_testgw10\n"
        "a4 demo_testgw0_runs\n"
        "a5 dagster-webserver-1 com.docker.compose.project=dagster\n"
        "a6 upgrade_testgw1_postgres_data\n"
        "a7 shop_test_postgres_data"
    )
    assert of_lane(listing, "gw1") == ["a1", "a2", "a6"]
