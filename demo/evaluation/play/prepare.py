"""Prepares the deployment for all scenarios, and restores it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from dagster_api.client import ASSET_JOB
from demo.evaluation.measure.results import Results
from demo.evaluation.play.deployment import Deployment
from demo.evaluation.play.stopping import stopping, unstoppable

SCHEDULES = ("users_assets_schedule", "data_extraction_schedule")
COOKIES = (
    "ingredients", "eggs", "wet_ingredients", "dry_ingredients", "cookie_dough", "cookies",
    "peanuts", "peanut_cookie_dough", "peanut_cookies",
)  # fmt: skip


@contextmanager
def prepared(deployment: Deployment, results: Results) -> Iterator[None]:
    """Turns schedules off and makes all data; afterwards restores schedules, sensor, source and data.

    A failed restore becomes a problem in the results. The others still happen.
    """
    with ExitStack() as undo:
        for switch in (*map(deployment.schedule, SCHEDULES), deployment.sensor()):
            undo.callback(_restore, results, f"{switch.name} is not as it was", switch.turn, on=switch.is_on())
        for name in SCHEDULES:
            deployment.schedule(name).turn(on=False)
        behaviour = deployment.source()["behaviour"]
        undo.callback(_restore, results, f"the source may do anything but {behaviour}", deployment.source, behaviour=behaviour)
        undo.callback(_restore, results, "some data may be bad", _make_good, deployment, results)
        undo.callback(_restore, results, "the source may be silent", deployment.source, behaviour="ok")
        deployment.source(behaviour="ok")
        deployment.client.quiet(seconds=180)
        make_everything(deployment)
        yield


def _restore(results: Results, otherwise: str, action: Callable[..., object], *arguments: Any, **options: Any) -> None:
    try:
        with unstoppable():
            action(*arguments, **options)
    except Exception as error:  # noqa: BLE001 - the report shows every error, and the other changes are restored
        results.problems.append(f"{otherwise}: {error}")


def _make_good(deployment: Deployment, results: Results) -> None:
    """Makes all data again if a scenario ended early: it may have left bad data."""
    if stopping.is_set() or any(result.error for result in results.scenarios.values()):
        deployment.client.quiet(seconds=180)
        make_everything(deployment)


def make_everything(deployment: Deployment) -> None:
    """Makes all data of both styles, from a healthy source."""
    tags = {"dagster/asset_partition_range_start": "1", "dagster/asset_partition_range_end": "10"}
    deployment.all_ended(
        deployment.client.launch("users_assets_job"),
        deployment.client.launch("data_extraction_job"),
        deployment.client.launch(ASSET_JOB, assets=COOKIES),
        deployment.client.launch(ASSET_JOB, assets=("user_posts",), tags=tags),
    )
