"""Settings of workers and of the choice between worker and container: bad ones end with a sentence."""

from __future__ import annotations

import pytest

from dagster_deployment.broker import queue_of, worker_user
from dagster_deployment.presence import Worker
from dagster_deployment.run_coordinator import names, of_each, of_workers, total
from dagster_deployment.time_limits import check_run_limits
from dagster_services.launcher.run_launcher import IsolationError, isolation
from dagster_services.secrets.broker import users
from dagster_worker.settings import Settings, SettingsError
from operate.compose import ROOT

GIVEN = {"CODE_LOCATION": "shop", "DAGSTER_CURRENT_IMAGE": "demo/shop:abc"}
BOTH = {"DOCKER_HOST": "tcp://launch_gateway:2375", "BROKER_HOST": "broker"}


def test_worker_has_defaults_for_all_but_its_code() -> None:
    """Compose gives every worker its location and its image."""
    settings = Settings.from_environment(GIVEN)
    assert settings == Settings("shop", "demo/shop:abc", slots=2, run_memory=2**30, grace=50)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"CODE_LOCATION": ""}, "CODE_LOCATION is missing: set it in locations/NAME/compose.yml."),
        ({"WORKER_CONCURRENCY": "0"}, "WORKER_CONCURRENCY is set to '0', .*: it must be a whole number from 1 on."),
        ({"WORKER_CONCURRENCY": "two"}, "WORKER_CONCURRENCY is set to 'two', .*: it must be a whole number from 1 on."),
        ({"WORKER_GRACE_SECONDS": "10"}, "WORKER_GRACE_SECONDS is set to '10', .*: it must be a whole number from 11 on."),
        ({"WORKER_LOST_SECONDS": "1"}, "WORKER_LOST_SECONDS is set to '1', .*: it must be a whole number from 5 on."),
        ({"RUN_MEMORY": "1 GB"}, "RUN_MEMORY is set to '1 GB', .*: it must be a size such as 512m or 1g."),
        ({"RUN_MEMORY": "0g"}, "RUN_MEMORY is set to '0g', .*: it must be a size such as 512m or 1g."),
    ],
)
def test_worker_rejects_a_bad_setting_with_a_sentence(given: dict[str, str], said: str) -> None:
    """The operator finds the sentence in the log of a worker that does not start."""
    with pytest.raises(SettingsError, match=f"^{said}$"):
        Settings.from_environment({**GIVEN, **given})


@pytest.mark.parametrize(("text", "size"), [("512m", 2**29), ("2G", 2**31), ("1048576", 2**20), ("64k", 2**16)])
def test_memory_has_the_units_of_docker(text: str, size: int) -> None:
    """The same setting limits the containers of runs."""
    assert Settings.from_environment({**GIVEN, "RUN_MEMORY": text}).run_memory == size


@pytest.mark.parametrize(
    ("tag", "environ", "chosen"),
    [
        (None, BOTH, "container"),
        (None, {**BOTH, "RUN_ISOLATION": "worker"}, "worker"),
        ("container", {**BOTH, "RUN_ISOLATION": "worker"}, "container"),
        ("worker", BOTH, "worker"),
    ],
)
def test_tag_of_a_run_wins_over_the_setting(tag: str | None, environ: dict[str, str], chosen: str) -> None:
    """An untrusted or heavy job keeps its container."""
    assert isolation({"dagster/isolation": tag} if tag else {}, environ) == chosen


@pytest.mark.parametrize(
    ("tag", "environ", "said"),
    [
        ("vm", BOTH, "The run's tag dagster/isolation is 'vm', which is not allowed: it must be container or worker."),
        (
            "worker",
            {"DOCKER_HOST": "x"},
            "The run is to be in a worker, and this deployment has none: make up RUN_ISOLATION=worker",
        ),
        (
            "container",
            {"BROKER_HOST": "broker", "DOCKER_HOST": ""},
            "The run is to be in a container, and this deployment starts none: make up LAUNCH_GATEWAY=1",
        ),
    ],
)
def test_isolation_that_is_not_offered_is_refused(tag: str, environ: dict[str, str], said: str) -> None:
    """A run must not get a weaker isolation than it asks for."""
    with pytest.raises(IsolationError) as refused:
        isolation({"dagster/isolation": tag}, environ)
    assert str(refused.value) == said


def test_queue_of_runs_is_that_of_their_image() -> None:
    """A registry may have a port."""
    assert queue_of("registry:5000/shop:2026.11") == "queue.2026.11"


def test_each_location_gets_no_more_runs_than_its_workers_have_slots() -> None:
    """Until the first worker has said its number, there is the setting. Without workers there is no such limit."""
    assert of_each("") == []
    assert of_each("4") == [{"key": "dagster/code_location", "value": {"applyLimitPerUniqueValue": True}, "limit": 4}]


def test_limits_add_up_the_hosts_but_not_the_workers_of_a_host() -> None:
    """During a deployment a host has a worker of the old and one of the new code, which share its processors."""
    here, new = Worker("queue.1", "here", "a", 4), Worker("queue.2", "here", "b", 3)
    there = Worker("queue.2", "h2", "c", 8)
    workers = {"shop": [here, new, there], "user_code": [here], "broken": []}
    assert of_workers(workers, 5) == [
        {"key": "dagster/code_location", "value": "broken", "limit": 5},
        {"key": "dagster/code_location", "value": "shop", "limit": 12},
        {"key": "dagster/code_location", "value": "user_code", "limit": 4},
        {"key": "dagster/isolation", "value": "container", "limit": 5},
    ]
    assert total(workers) == 12


def test_hosts_with_old_code_do_not_count_after_a_deployment() -> None:
    """A run is executed where its image is. More runs than slots would wait in the broker, and miss their start time-out."""
    here, there = Worker("queue.new", "here", "a", 4), Worker("queue.old", "h2", "b", 8)
    assert of_workers({"shop": [here, there]}, 4)[0]["limit"] == 4
    assert of_workers({"shop": [here, Worker("queue.new", "h2", "b", 8)]}, 4)[0]["limit"] == 12
    assert of_workers({"shop": [there]}, 4)[0]["limit"] == 8


def test_code_locations_are_those_of_the_workspace() -> None:
    """The queue asks the broker for these only: user code can write other keys, but not for another location."""
    assert names((ROOT / "workspace.yaml").read_text()) == ["user_code"]
    assert names("load_from: []") == names("load_from:\n  - python_file: x.py\n") == []


def test_user_of_a_worker_reaches_the_keys_of_its_location_only() -> None:
    """The file holds hashes of passwords, and no password."""
    lines = users("launcher password", "access password", [("shop", "password of shop")]).splitlines()
    assert lines[0] == "user default off"
    assert lines[-1].startswith(f"user {worker_user('shop')} on #")
    assert lines[-1].split()[4:6] == ["~shop:*", "+@connection"]
    assert not any("password" in line for line in lines)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"MAX_CONCURRENT_RUNS": "many"}, "MAX_CONCURRENT_RUNS is set to 'many', .* it must be a whole number from 1 on."),
        ({"WORKER_SLOTS": "0"}, "WORKER_CONCURRENCY is set to '0', .* it must be a whole number from 1 on."),
        ({"WORKER_LOST_SECONDS": "4"}, "WORKER_LOST_SECONDS is set to '4', .* it must be a whole number from 5 on."),
        ({"RUN_ISOLATION": "workers"}, "DEFAULT_ISOLATION is set to 'workers', .* it must be container or worker."),
        ({"OUTPUT_STORE": "s3"}, "OUTPUT_STORE is set to 's3', .* it must be volumes or postgres."),
    ],
)
def test_daemon_and_webserver_reject_a_bad_setting_with_a_sentence(environ: dict[str, str], said: str) -> None:
    """Otherwise the daemon would fail at each look into the queue, and start no run."""
    with pytest.raises(SystemExit, match=f"^{said}$"):
        check_run_limits(environ)
    check_run_limits({"MAX_CONCURRENT_RUNS": "", "RUN_ISOLATION": "worker"})
