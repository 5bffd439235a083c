"""An operator uses preflight, the settings that `make up` writes, waits, and the bench's arithmetic."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bench.measure import BenchError, Phases, median_run, phases, runs_per_minute
from dagster_api.client import ApiError
from dagster_api.loading import is_loaded
from dagster_api.runs import Run
from dagster_api.waiting import WaitError, seen, wait_for
from operate.compose import CommandError
from operate.overlays import OverlayError, compose_files
from operate.preflight import GIB, Facts, note, port_is_busy, problems, version, version_problems
from operate.up import add_to_env, choose_files, missing_settings

FINE = {
    "free_memory": 8 * GIB, "free_disk": 50 * GIB,
    "busy_port": None, "data_major": 17, "image_major": 17, "needed_networks": 8, "free_networks": 8,
}  # fmt: skip


def test_a_fine_machine_has_no_problems() -> None:
    """Nor has one whose memory and disk cannot be seen, because its engine is elsewhere."""
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
            "The volume postgres_data was written by Postgres 16, and the image is Postgres 17: set POSTGRES_IMAGE in .env to "
            "the old major, or move the data with pg_dump, or remove it with `make destroy`.",
        ),
    ],
)
def test_each_problem_is_one_sentence_with_numbers_and_a_remedy(found: dict, said: str) -> None:
    """Before anything changes."""
    assert problems(Facts(**FINE | found)) == [said]


def test_all_problems_are_told_at_once() -> None:
    """Nobody wants to find the second after mending the first."""
    assert len(problems(Facts(**FINE | {"free_memory": 0, "free_disk": 0}))) == 2


def test_what_is_too_old_is_told_with_both_numbers() -> None:
    """The oldest that is supported is fine."""
    assert version_problems((25, 0), (2, 26)) == []
    assert version_problems((24, 0), (2, 17)) == [
        "Docker Engine is 24.0, and 25.0 or newer is needed: update it.",
        "Docker Compose is 2.17, and 2.26 or newer is needed: update it.",
    ]


def test_an_engine_whose_loopback_is_open_to_neighbours_is_told_of() -> None:
    """It is supported all the same."""
    assert note((28, 0)) is None
    said = "Docker Engine 27.5 lets neighbours on the same network segment reach what is published on loopback"
    assert (note((27, 5)) or "").startswith(said)


@pytest.mark.parametrize(
    ("text", "expected"), [("28.5.2+dfsg4", (28, 5)), ("v2.26.1-4", (2, 26)), ("postgres (PostgreSQL) 17.6 (Debian)", (17, 6))]
)
def test_versions_are_read_as_programs_print_them(text: str, expected: tuple[int, int]) -> None:
    """Major and minor."""
    assert version(text) == expected


def test_no_version_is_an_error() -> None:
    """Rather than a guess."""
    with pytest.raises(CommandError, match="there is no version in 'dev'"):
        version("dev")


def test_a_busy_port_is_seen() -> None:
    """And a free one is not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert port_is_busy("127.0.0.1", port)
    assert not port_is_busy("127.0.0.1", port)


def test_what_somebody_has_set_is_left_alone(tmp_path) -> None:
    """`make up` adds to .env only what is not there; a commented line is not set."""
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
        ("", {"RUN_ISOLATION": "process"}, "docker-compose.yml:docker/compose.process.yml"),
        ("docker-compose.yml:docker/compose.process.yml", {"RUN_ISOLATION": "container"}, "docker-compose.yml"),
        ("docker-compose.yml:docker/compose.process.yml", {}, "docker-compose.yml:docker/compose.process.yml"),
        ("docker-compose.yml:mine.yml", {"EDGE": "1"}, "docker-compose.yml:docker/compose.edge.yml:mine.yml"),
        ("docker-compose.yml:docker/compose.edge.yml:mine.yml", {"EDGE": "0"}, "docker-compose.yml:mine.yml"),
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
def test_what_is_asked_for_decides_which_files_there_are(current: str, environ: dict[str, str], files: str) -> None:
    """Files that nobody mentions stay as they are, the operator's own included."""
    assert compose_files(current, environ) == files


def test_a_mode_that_there_is_not_is_refused_by_name() -> None:
    """With what there is."""
    with pytest.raises(OverlayError, match=r"^RUN_ISOLATION is set to 'vm', .* it must be container or process\."):
        compose_files("", {"RUN_ISOLATION": "vm"})
    with pytest.raises(
        OverlayError, match=r"^LOGIN is set to 'oidc', which needs the edge: add EDGE=1, or go back with LOGIN=password\."
    ):
        compose_files("", {"LOGIN": "oidc"})


def test_the_files_are_written_once_and_nothing_else_in_env_changes(tmp_path: Path) -> None:
    """So that plain `docker compose` commands see the same deployment."""
    env = tmp_path / ".env"
    choose_files(env, {})
    assert not env.exists()
    env.write_text("RELEASE=7\n")
    for _ in range(2):
        choose_files(env, {"RUN_ISOLATION": "process"})
        assert env.read_text() == "RELEASE=7\nCOMPOSE_FILE=docker-compose.yml:docker/compose.process.yml\n"
    choose_files(env, {"RUN_ISOLATION": "container"})
    assert env.read_text() == "RELEASE=7\nCOMPOSE_FILE=docker-compose.yml\n"


def test_a_wait_that_is_in_vain_says_what_it_saw_last() -> None:
    """An API that does not answer yet is no reason to stop before the deadline."""

    def never() -> bool:
        raise ApiError("connection refused")

    with pytest.raises(WaitError, match=r"^the UI did not happen within 0\.05 s: connection refused$"):
        wait_for("the UI", never, seconds=0.05, every=0.01)


def test_a_wait_returns_what_came() -> None:
    """The first answer that is something; an empty list is something."""
    answers = iter([None, False, []])
    assert wait_for("x", lambda: seen(next(answers), "nothing"), seconds=5, every=0) == []


def test_what_was_seen_instead_is_in_the_error() -> None:
    """The last state is what tells a slow machine from a fault."""
    with pytest.raises(WaitError, match=r"^a run did not happen within 0 s: it is QUEUED$"):
        wait_for("a run", lambda: seen(None, "it is QUEUED"), seconds=0)


def run(**changes: object) -> Run:
    values = {
        "run_id": "r", "job": "j", "status": "SUCCESS", "created": 100.0, "started": 102.0, "ended": 103.0, "tags": {},
        "assets": (),
    }  # fmt: skip
    return Run(**values | changes)  # type: ignore[arg-type]


def test_a_run_is_split_into_queue_start_and_steps() -> None:
    """They add up to the time from launch to success."""
    assert phases(run(), 100.5) == Phases(queue=0.5, start=1.5, steps=1.0)
    assert phases(run(), 100.5).total == 3.0


def test_a_failed_run_is_not_measured() -> None:
    """Failing early would look fast."""
    with pytest.raises(BenchError, match="run r of j ended with FAILURE"):
        phases(run(status="FAILURE"), 100.5)


def test_the_median_is_a_run_that_was_measured() -> None:
    """So that its phases add up."""
    slow, middle, fast = Phases(0, 0, 9), Phases(1, 1, 1), Phases(0, 1, 0)
    assert median_run([slow, fast, middle]) == middle


def test_the_rate_counts_from_the_first_launch_to_the_last_end() -> None:
    """Two runs in six seconds are twenty a minute."""
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
def test_a_code_location_of_before_and_one_with_an_error_are_not_loaded(entry: dict[str, object], loaded: bool) -> None:
    """The code server has started at 8 s."""
    assert is_loaded(entry, 8) is loaded
