"""`make growth` shows how the run of the four assets grows with the number of users."""

from __future__ import annotations

import sys

from bench.measure import BenchError, measure
from dagster_api.client import ApiError, Client
from dagster_api.waiting import WaitError
from demo import LOCATION
from operate.compose import CommandError, compose, model, webserver_url

BUNDLED_SOURCE = "http://users_api:8080"
JOB = "users_assets_job"
# Numbers of users.
SIZES = (25_000, 50_000, 100_000)


def publish(rows: int) -> None:
    """Makes the bundled source publish `rows` users."""
    compose("exec", "-T", "users_api", "python", "-m", "users_api.control", f"rows={rows}", capture=True)


def steps_seconds(client: Client, size: int) -> float:
    """The seconds that the steps of one run take with `size` users."""
    publish(size)
    client.quiet(seconds=300, every=1)
    return measure(client, JOB).steps


def growth(client: Client) -> None:
    """Prints a line for each size, then restores the source and the assets.

    Raises:
        BenchError: the code location has another source, or a run failed.
    """
    services = model()["services"]
    if services[LOCATION]["environment"].get("USERS_API_URL") != BUNDLED_SOURCE:
        raise BenchError(f"the source is not the bundled one, so its size is not ours to choose: USERS_API_URL={BUNDLED_SOURCE}")
    try:
        for size in SIZES:
            print(f"{f'{JOB} with {size:,} users, steps, seconds':<60}{steps_seconds(client, size):>8.1f}", flush=True)
    finally:
        steps_seconds(client, int(services["users_api"]["environment"]["USERS_API_ROWS"]))


def main() -> int:
    """Returns the exit status."""
    try:
        growth(Client(webserver_url(), LOCATION))
    except (ApiError, BenchError, CommandError, WaitError) as error:
        print(f"growth: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
