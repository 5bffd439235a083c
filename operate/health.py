"""Waits until the services are healthy, and no longer than necessary for code that does not load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagster_api.waiting import seen, wait_for
from operate.compose import CommandError
from operate.containers import Container, containers, health_of, is_well, service_of

# dagster_code_server.probe says so.
BROKEN = "the code location does not load: "
# `start_period` in docker/common.yml is 90 s, and some services start after others. An operator may give more.
START_SECONDS = 600


def faults(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The services that are not in their right state, each with its state."""
    return faults_of(deployment["services"], containers(deployment["name"]))


def faults_of(services: Mapping[str, Any], found: Sequence[Container]) -> dict[str, str]:
    """The same of some containers."""
    # A service that never restarts may have been removed after its end, by `docker container prune` for instance.
    lasting = {name for name, service in services.items() if service.get("restart") != "no"}
    missing = lasting - {service_of(each) for each in found}
    return {
        **dict.fromkeys(sorted(missing), "missing"),
        **{service_of(each): _state(each) for each in sorted(found, key=service_of) if not is_well(each)},
    }


def _state(container: Container) -> str:
    return f"{container['State']['Status']} {health_of(container)}".strip()


def broken_code(found: Iterable[Container]) -> dict[str, str]:
    """The code servers whose code does not load, each with the reason."""
    said = {service_of(each): _last_answer(each) for each in found if not is_well(each)}
    return {name: answer.removeprefix(BROKEN) for name, answer in said.items() if answer.startswith(BROKEN)}


def _last_answer(container: Container) -> str:
    log = container["State"].get("Health", {}).get("Log") or [{"Output": ""}]
    return str(log[-1]["Output"]).strip()


def failed(bad: Mapping[str, str]) -> list[str]:
    """The services that will not become healthy without a person."""
    return [f"{name} is {state}" for name, state in bad.items() if state == "exited" or state.endswith("unhealthy")]


def wait_until_healthy(deployment: Mapping[str, Any]) -> dict[str, str]:
    """Waits until every service is healthy; returns the code servers whose code does not load, each with the reason.

    Docker calls these healthy or not only at the end of their start period.

    Raises:
        CommandError: another service is unhealthy, or has ended.
        WaitError: a service is still starting at the deadline.
    """

    def settled() -> dict[str, str]:
        found = containers(deployment["name"])
        broken = broken_code(found)
        bad = {name: state for name, state in faults_of(deployment["services"], found).items() if name not in broken}
        if lost := failed(bad):
            raise CommandError(f"{'; '.join(lost)}: see `docker compose logs`")
        return seen(None if bad else broken, bad)

    return wait_for("health of all services", settled, seconds=START_SECONDS, every=0.5)
