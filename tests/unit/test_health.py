"""`make up` and `make smoke` judge the containers of the services by what the engine says of them."""

from __future__ import annotations

from typing import Any

import pytest

from operate.health import broken_code, failed, faults_of

BROKEN = "the code location does not load: RuntimeError: no such table\n"


def container(service: str, status: str = "running", health: str = "", said: str = "", restart: str = "unless-stopped") -> Any:
    """Returns the engine's description of a container."""
    checks = {"Health": {"Status": health, "Log": [{"Output": said}]}} if health else {}
    return {
        "Config": {"Labels": {"com.docker.compose.service": service}},
        "HostConfig": {"RestartPolicy": {"Name": restart}},
        "State": {"Status": status, "ExitCode": 1 if status == "exited" else 0, **checks},
    }


def test_broken_code_is_found_before_docker_calls_the_container_unhealthy() -> None:
    """Docker waits for the end of the start period, 90 s, although the code will never load."""
    found = [
        container("shop", health="starting", said=BROKEN),
        container("mine", health="starting", said="dagster_run cannot use the database"),
        container("fixed", health="healthy", said=BROKEN),
        container("webserver", health="starting"),
    ]
    assert broken_code(found) == {"shop": "RuntimeError: no such table"}


def test_missing_service_is_a_fault_unless_it_never_restarts() -> None:
    """`docker container prune` removes services that have ended."""
    services: dict[str, Any] = {"webserver": {"restart": "unless-stopped"}, "daemon": {}, "migrate": {"restart": "no"}}
    found = [container("webserver", health="unhealthy")]
    assert faults_of(services, found) == {"daemon": "missing", "webserver": "running unhealthy"}


@pytest.mark.parametrize(
    ("state", "fails"),
    [("running unhealthy", True), ("exited", True), ("running starting", False), ("missing", False), ("created", False)],
)
def test_make_up_waits_only_for_services_that_may_become_healthy(state: str, fails: bool) -> None:
    """A service that is starting, or not started yet, needs time. The others need a person."""
    assert failed({"roles": state}) == ([f"roles is {state}"] if fails else [])
