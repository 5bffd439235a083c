"""`make up` and `make smoke` judge the containers of the services by what the engine says of them."""

from __future__ import annotations

from typing import Any

import pytest

from operate.containers import failure
from operate.health import at_first, broken_code, faults_of, is_lost

BROKEN = "the code location does not load: RuntimeError: no such table\n"


def container(
    service: str,
    status: str = "running",
    *,
    health: str = "",
    said: str = "",
    probe: int = 1,
    restarts: int = 0,
    exit_code: int = 1,
) -> Any:
    """Returns the engine's description of a container. It started at second 0.5, and `probe` is the second of its last probe."""
    log = [{"Output": said, "Start": f"2026-11-29T10:00:0{probe}.123456789+01:00"}] if probe >= 0 else []
    checks = {"Health": {"Status": health, "Log": log}} if health else {}
    return {
        "Id": service,
        "RestartCount": restarts,
        "Config": {"Labels": {"com.docker.compose.service": service}},
        "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
        "State": {"Status": status, "ExitCode": exit_code, "StartedAt": "2026-11-29T09:00:00.5Z", **checks},
    }


def test_broken_code_is_found_before_docker_calls_the_container_unhealthy() -> None:
    """Docker waits for the end of the start period, 90 s, although the code will never load."""
    found = [
        container("shop", health="starting", said=BROKEN),
        container("mine", health="starting", said="dagster_run cannot use the database"),
        container("fixed", health="healthy", said=BROKEN),
        container("webserver", health="starting", probe=-1),
    ]
    assert broken_code(found) == {"shop": "RuntimeError: no such table"}


def test_probe_before_the_last_start_of_a_container_does_not_count() -> None:
    """Docker keeps the answers of earlier starts, and the mended code may load now."""
    assert broken_code([container("shop", health="starting", said=BROKEN, probe=0)]) == {}


def test_missing_service_is_a_fault_unless_it_may_end_or_has_no_copies() -> None:
    """`docker container prune` removes services that have ended."""
    lasting = {"restart": "unless-stopped"}
    services: dict[str, Any] = {
        "webserver": lasting,
        "daemon": lasting,
        "viewers": {**lasting, "deploy": {"replicas": 0}},
        "migrate": {"restart": "no"},
        "job": {},
    }
    found = [container("webserver", health="unhealthy", said="no answer\n")]
    assert faults_of(services, found) == {"daemon": "missing", "webserver": "running unhealthy: no answer"}


@pytest.mark.parametrize(
    ("now", "lost"),
    [
        # `docker compose start roles` mends this before the next probe.
        (container("shop", health="unhealthy"), False),
        (container("shop", health="unhealthy", probe=2), True),
        (container("shop", health="starting", probe=2), False),
        (container("shop", status="exited"), True),
        (container("shop", status="restarting", health="unhealthy", probe=2, restarts=3), False),
        (container("shop", health="starting", restarts=4), True),
    ],
)
def test_make_up_waits_only_for_services_that_may_become_healthy(now: Any, lost: bool) -> None:
    """A service that is starting needs time. The others need a person."""
    before = at_first([container("shop", health="unhealthy", restarts=1)])
    assert is_lost(now, before) is lost


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (container("webserver", "restarting"), "has ended with 1"),
        (container("webserver", health="starting", restarts=3, exit_code=0), "has ended and was restarted"),
        (container("webserver", health="healthy", restarts=3, exit_code=0), ""),
        (container("webserver", health="starting", exit_code=0), ""),
    ],
)
def test_service_that_restarts_again_and_again_has_failed(now: Any, said: str) -> None:
    """`make upgrade` gives its last line as the reason. The engine restarts it, so that it often runs at that moment."""
    assert failure(now) == said
