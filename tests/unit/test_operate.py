"""Operators need the preflight, the settings that `make up` writes, waits, and the bench's arithmetic."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bench.measure import BenchError, Phases, median_run, phases, runs_per_minute
from dagster_api.client import ApiError
from dagster_api.loading import is_loaded
from dagster_api.runs import Run
from dagster_api.waiting import WaitError, pause, seen, wait_for
from operate.compose import CommandError
from operate.env_file import add_to_env, missing_settings, replace_in_env
from operate.overlays import OverlayError, compose_files
from operate.preflight import GIB, Facts, note, port_is_busy, problems, version, version_problems
from operate.up import choose_files

FINE = {
    "free_memory": 8 * GIB, "free_disk": 50 * GIB,
    "busy_port": None, "data_major": 17, "image_major": 17, "needed_networks": 8, "free_networks": 8,
}  # fmt: skip


def test_preflight_accepts_a_machine_without_problems() -> None:
    """A remote engine hides its memory and disk, and must pass as well."""
    assert problems(Facts(**FINE)) == []
    assert problems(Facts(**FINE | {"free_memory": None, "free_disk": None, "data_major": None, "image_major": None})) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {"free_memory": GIB},
            "1.0 GiB of memory are free, and 2 GiB are needed: stop other programs, or give Docker more memory.",
        ),
        ({"free_disk": GIB}, "1.0 GiB of disk for Docker are free, and 5 GiB are needed: free some with `docker system prune`."),
        (
            {"busy_port": "127.0.0.1:3000"},
            "Port 127.0.0.1:3000 is in use: stop what uses it, or set another in .env: "
            "WEBSERVER_PORT, or of the edge EDGE_HTTP_PORT and EDGE_HTTPS_PORT.",
        ),
        (
            {"free_networks": 5},
            "8 more networks are needed, and Docker has addresses for 5: remove networks that nobody uses with `docker "
            "network prune`, or another copy with `make down`, or set more default-address-pools in Docker's daemon.json.",
        ),
        (
            {"data_major": 16},
            "The volume postgres_data was written by Postgres 16, and the image is Postgres 17: `make upgrade` moves the data. "
            "Or set POSTGRES_IMAGE in .env to the old major.",
        ),
    ],
)
def test_preflight_names_numbers_and_remedy_of_each_problem(found: dict, said: str) -> None:
    """The operator can then correct the problem before `make up` changes anything."""
    assert problems(Facts(**FINE | found)) == [said]


def test_preflight_reports_all_problems_together() -> None:
    """The operator then needs no second attempt to find the second problem."""
    assert len(problems(Facts(**FINE | {"free_memory": 0, "free_disk": 0}))) == 2


def test_preflight_rejects_versions_that_are_too_old() -> None:
    """The operator must know both versions. The oldest supported version must pass."""
    assert version_problems((25, 0), (2, 26)) == []
    assert version_problems((24, 0), (2, 17)) == [
        "Docker Engine is 24.0, and 25.0 or newer is needed: update it.",
        "Docker Compose is 2.17, and 2.26 or newer is needed: update it.",
    ]


def test_preflight_notes_an_engine_that_exposes_loopback_ports_to_neighbours() -> None:
    """The engine is supported, but its operator must know the risk."""
    assert note((28, 0)) is None
    said = "Docker Engine 27.5 lets neighbours on the same network segment reach what is published on loopback"
    assert (note((27, 5)) or "").startswith(said)


@pytest.mark.parametrize(
    ("text", "expected"), [("28.5.2+dfsg4", (28, 5)), ("v2.26.1-4", (2, 26)), ("postgres (PostgreSQL) 17.6 (Debian)", (17, 6))]
)
def test_version_reads_the_output_of_programs(text: str, expected: tuple[int, int]) -> None:
    """Each program prints its version in another form. Only major and minor number matter."""
    assert version(text) == expected


def test_version_raises_an_error_if_there_is_no_version() -> None:
    """A guess could accept a program that is too old."""
    with pytest.raises(CommandError, match="there is no version in 'dev'"):
        version("dev")


def test_port_is_busy_finds_a_port_in_use() -> None:
    """The preflight must report the port before Docker starts a container."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert port_is_busy("127.0.0.1", port)
    assert not port_is_busy("127.0.0.1", port)


def test_add_to_env_keeps_existing_settings(tmp_path) -> None:
    """`make up` may add only missing settings to .env. A commented line sets nothing."""
    env = tmp_path / ".env"
    env.write_text("PYTHON_IMAGE=mirror/python\n#POSTGRES_IMAGE=x")
    add_to_env(env, "PYTHON_IMAGE=offline\nPOSTGRES_IMAGE=offline-postgres\n")
    assert env.read_text() == (
        "PYTHON_IMAGE=mirror/python\n#POSTGRES_IMAGE=x\n# Decided by `make up`.\nPOSTGRES_IMAGE=offline-postgres\n"
    )
    add_to_env(env, "PYTHON_IMAGE=offline\nPOSTGRES_IMAGE=other\n")
    assert env.read_text().count("POSTGRES_IMAGE=") == 2
    assert missing_settings({"A": "1"}, "A=2") == ""


@pytest.mark.parametrize(
    ("current", "environ", "files"),
    [
        ("", {}, "docker-compose.yml"),
        ("", {"RUN_ISOLATION": "worker"}, "docker-compose.yml:docker/compose.worker.yml"),
        ("docker-compose.yml:docker/compose.worker.yml", {"RUN_ISOLATION": "container"}, "docker-compose.yml"),
        (
            "docker-compose.yml:docker/compose.process.yml",
            {"RUN_ISOLATION": "worker"},
            "docker-compose.yml:docker/compose.worker.yml",
        ),
        ("docker-compose.yml:docker/compose.worker.yml", {}, "docker-compose.yml:docker/compose.worker.yml"),
        (
            "docker-compose.yml:docker/compose.worker.yml",
            {"LAUNCH_GATEWAY": "0"},
            "docker-compose.yml:docker/compose.worker.yml:docker/compose.no-gateway.yml",
        ),
        (
            "docker-compose.yml:docker/compose.worker.yml:docker/compose.no-gateway.yml",
            {"RUN_ISOLATION": "container"},
            "docker-compose.yml",
        ),
        ("docker-compose.yml:mine.yml", {"EDGE": "1"}, "docker-compose.yml:docker/compose.edge.yml:mine.yml"),
        ("docker-compose.yml:docker/compose.edge.yml:mine.yml", {"EDGE": "0"}, "docker-compose.yml:mine.yml"),
        (
            "docker-compose.yml",
            {"MONITORING": "1", "GRAFANA": "1"},
            "docker-compose.yml:docker/compose.monitoring.yml:docker/compose.grafana.yml",
        ),
        (
            "docker-compose.yml:docker/compose.monitoring.yml:docker/compose.grafana.yml",
            {"MONITORING": "0"},
            "docker-compose.yml",
        ),
        ("", {"EDGE": "1", "LOGIN": "oidc"}, "docker-compose.yml:docker/compose.edge.yml:docker/compose.oidc.yml"),
        (
            "docker-compose.yml:docker/compose.edge.yml:docker/compose.oidc.yml",
            {"EDGE": "1"},
            "docker-compose.yml:docker/compose.edge.yml:docker/compose.oidc.yml",
        ),
        (
            "docker-compose.yml:docker/compose.edge.yml:docker/compose.oidc.yml",
            {"EDGE": "0"},
            "docker-compose.yml",
        ),
    ],
)
def test_compose_files_follow_the_requested_modes(current: str, environ: dict[str, str], files: str) -> None:
    """Files that no request names must stay, including the operator's own."""
    assert compose_files(current, environ) == files


def test_compose_files_reject_an_unknown_mode() -> None:
    """The message lists the allowed values, so that the operator can correct the setting."""
    with pytest.raises(OverlayError, match=r"^RUN_ISOLATION is set to 'vm', .* it must be container or worker\."):
        compose_files("", {"RUN_ISOLATION": "vm"})
    with pytest.raises(
        OverlayError, match=r"^LOGIN is set to 'oidc', which needs the edge: add EDGE=1, or go back with LOGIN=password\."
    ):
        compose_files("", {"LOGIN": "oidc"})
    with pytest.raises(OverlayError, match=r"^LAUNCH_GATEWAY is set to '0', which needs workers: add RUN_ISOLATION=worker\."):
        compose_files("", {"LAUNCH_GATEWAY": "0"})
    with pytest.raises(OverlayError, match=r"^GRAFANA is set to '1', which shows what Prometheus keeps: add MONITORING=1\."):
        compose_files("", {"GRAFANA": "1"})


def test_choose_files_writes_compose_file_and_run_isolation_to_env(tmp_path: Path) -> None:
    """Plain `docker compose` commands must then use the same deployment as `make up`."""
    env = tmp_path / ".env"
    choose_files(env, {})
    assert not env.exists()
    env.write_text("RELEASE=7\n")
    for _ in range(2):
        choose_files(env, {"RUN_ISOLATION": "worker"})
        files = "COMPOSE_FILE=docker-compose.yml:docker/compose.worker.yml"
        assert env.read_text() == f"RELEASE=7\n{files}\nRUN_ISOLATION=worker\n"
    choose_files(env, {"RUN_ISOLATION": "container"})
    assert env.read_text() == "RELEASE=7\nCOMPOSE_FILE=docker-compose.yml\nRUN_ISOLATION=container\n"


def test_choose_files_adds_run_isolation_to_the_env_of_an_earlier_release(tmp_path: Path) -> None:
    """Without it, no code location would have a worker."""
    env = tmp_path / ".env"
    env.write_text("COMPOSE_FILE=docker-compose.yml:docker/compose.worker.yml\n")
    choose_files(env, {})
    assert "RUN_ISOLATION=worker\n" in env.read_text()


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_replace_in_env_keeps_mode_link_and_other_lines(tmp_path: Path, mode: int) -> None:
    """The file may hold what only its owner may read, and may be a link to a file elsewhere."""
    real, link = tmp_path / "real", tmp_path / ".env"
    real.write_text("A=1\nB=2\n")
    real.chmod(mode)
    link.symlink_to(real)
    replace_in_env(link, {"B": "3"})
    assert (real.read_text(), real.stat().st_mode & 0o777, link.is_symlink()) == ("A=1\nB=3\n", mode, True)


def test_wait_for_reports_the_last_error_after_the_deadline() -> None:
    """An API that does not answer yet must not end the wait before the deadline."""

    def never() -> bool:
        raise ApiError("connection refused")

    with pytest.raises(WaitError, match=r"^the UI did not happen within 0\.05 s: connection refused$"):
        wait_for("the UI", never, seconds=0.05, every=0.01)


def test_wait_for_returns_the_first_answer() -> None:
    """None and False mean 'not yet'. An empty list is an answer."""
    answers = iter([None, False, []])
    assert wait_for("x", lambda: seen(next(answers), "nothing"), seconds=5, every=0) == []


def test_long_wait_asks_less_often() -> None:
    """Each question costs CPU, in the webserver or in the engine, and takes it from what is waited for."""
    assert [pause(waited) for waited in (0, 2.5, 10, 600)] == [0.25, 0.25, 1, 2]
    answers = iter([None, None, None])
    with pytest.raises(WaitError):
        wait_for("x", lambda: seen(next(answers), "not yet"), seconds=0.3)


def test_wait_for_reports_the_last_state() -> None:
    """The last state distinguishes a slow machine from a fault."""
    with pytest.raises(WaitError, match=r"^a run did not happen within 0 s: it is QUEUED$"):
        wait_for("a run", lambda: seen(None, "it is QUEUED"), seconds=0)


def run(**changes: object) -> Run:
    values = {
        "run_id": "r", "job": "j", "status": "SUCCESS", "created": 100.0, "started": 102.0, "ended": 103.0, "tags": {},
        "assets": (),
    }  # fmt: skip
    return Run(**values | changes)  # type: ignore[arg-type]


def test_phases_split_a_run_into_queue_start_and_steps() -> None:
    """The phases must add up to the time from launch to success."""
    assert phases(run(), 100.5, 101.75) == Phases(queue=0.5, start=1.25, load=0.25, steps=1.0)
    assert phases(run(), 100.5, 101.75).total == 3.0


def test_phases_reject_a_failed_run() -> None:
    """A run that fails early would look fast."""
    with pytest.raises(BenchError, match="run r of j ended with FAILURE"):
        phases(run(status="FAILURE"), 100.5, 101.0)


def test_median_run_returns_one_of_the_measured_runs() -> None:
    """Only the phases of a measured run add up to its time."""
    slow, middle, fast = Phases(0, 0, 0, 9), Phases(1, 1, 1, 0), Phases(0, 1, 0, 0)
    assert median_run([slow, fast, middle]) == middle


def test_runs_per_minute_counts_from_first_launch_to_last_end() -> None:
    """Waits between runs must count. Two runs in six seconds are twenty runs a minute."""
    assert runs_per_minute([run(), run(created=101.0, ended=106.0)]) == 20.0


@pytest.mark.parametrize(
    ("entry", "loaded"),
    [
        ({"updatedTimestamp": 8.5, "location": {"__typename": "RepositoryLocation"}}, True),
        ({"updatedTimestamp": 7.9, "location": {"__typename": "RepositoryLocation"}}, False),
        ({"updatedTimestamp": 8.5, "location": {"__typename": "PythonError", "message": "no server"}}, False),
        ({"updatedTimestamp": 8.5, "location": None}, False),
        ({"__typename": "WorkspaceLocationEntryNotFound"}, False),
    ],
)
def test_is_loaded_rejects_an_outdated_or_failed_code_location(entry: dict[str, object], loaded: bool) -> None:
    """A wait for new code must not end while the old code is loaded. The code server started at 8 s."""
    assert is_loaded(entry, 8) is loaded
