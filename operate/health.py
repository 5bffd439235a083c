"""Waits until the services are healthy. Code that does not load ends the wait early."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dagster_api.waiting import seen, wait_for
from operate.compose import CommandError
from operate.containers import Container, containers, health_of, is_well, service_of
from operate.locations import copies

# dagster_code_server.health says so.
BROKEN = "the code location does not load: "
# `start_period` in docker/common.yml is 90 s, and some services start after others. An operator may give more.
START_SECONDS = 600
# A service may restart once or twice until another service answers.
RESTARTS = 3
# The last probe and the number of restarts of each container, when the wait began.
Before = dict[str, tuple[str, int]]


def faults(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The services that are not in their right state, each with its state and the last answer of its health check."""
    return faults_of(deployment["services"], containers(deployment["name"]))


def faults_of(services: Mapping[str, Any], found: Sequence[Container]) -> dict[str, str]:
    """The same of a list of containers."""
    return {
        **dict.fromkeys(sorted(_missing(services, found)), "missing"),
        **{service_of(each): _state(each) for each in sorted(found, key=service_of) if not is_well(each)},
    }


def _missing(services: Mapping[str, Any], found: Iterable[Container]) -> set[str]:
    return {name for name, service in services.items() if _is_lasting(service)} - {service_of(each) for each in found}


def _is_lasting(service: Mapping[str, Any]) -> bool:
    """Whether it has a container at all times. `docker container prune` removes services that have ended."""
    return bool(service.get("restart", "no") != "no" and copies(service))


def _state(container: Container) -> str:
    answer = _last_probe(container)["Output"].strip()
    return f"{container['State']['Status']} {health_of(container)}".strip() + (f": {answer}" if answer else "")


def _last_probe(container: Container) -> dict[str, str]:
    """The last health check since the container's start. Docker keeps those of earlier starts."""
    state = container["State"]
    log = (state.get("Health") or {}).get("Log") or []
    start = datetime.fromisoformat(state["StartedAt"])
    return next((each for each in reversed(log) if datetime.fromisoformat(each["Start"]) >= start), {"Start": "", "Output": ""})


def broken_code(found: Iterable[Container]) -> dict[str, str]:
    """The code servers whose code does not load, each with the reason."""
    said = {service_of(each): _last_probe(each)["Output"].strip() for each in found if not is_well(each)}
    return {name: answer.removeprefix(BROKEN) for name, answer in said.items() if answer.startswith(BROKEN)}


def at_first(found: Iterable[Container]) -> Before:
    """The state of the containers from which `is_lost` counts."""
    return {each["Id"]: (_last_probe(each)["Start"], each["RestartCount"]) for each in found}


def is_lost(container: Container, before: Before) -> bool:
    """Whether it needs a person: it has ended, is unhealthy at a new probe, or restarts all the time."""
    probe, restarts = before.get(container["Id"], ("", 0))
    status = container["State"]["Status"]
    # Docker also calls a container unhealthy that is about to restart.
    unhealthy = (status, health_of(container)) == ("running", "unhealthy") and _last_probe(container)["Start"] not in {"", probe}
    ended = status == "exited" and not is_well(container)
    return ended or unhealthy or container["RestartCount"] - restarts >= RESTARTS


def wait_until_healthy(deployment: Mapping[str, Any]) -> dict[str, str]:
    """Waits until every service is healthy; returns the code servers whose code does not load, each with the reason.

    Docker calls such a server unhealthy only after its start period.

    Raises:
        CommandError: a service will not become healthy.
        WaitError: a service is still starting at the deadline.
    """
    services, before = deployment["services"], at_first(containers(deployment["name"]))

    def settled() -> dict[str, str]:
        found = containers(deployment["name"])
        broken, bad = broken_code(found), faults_of(services, found)
        # A worker does not load this code either.
        broken_services = broken.keys() | {f"{name}_worker" for name in broken}
        lost = {service_of(each) for each in found if is_lost(each, before)} | _missing(services, found)
        if said := [f"{name} is {bad[name]}" for name in sorted(lost & bad.keys() - broken_services)]:
            raise CommandError(f"{'; '.join(said)}: see `docker compose logs`")
        waiting = {name: state for name, state in bad.items() if name not in broken_services}
        return seen(None if waiting else broken, waiting)

    return wait_for("health of all services", settled, seconds=START_SECONDS)
