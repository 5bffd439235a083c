"""The gateway checks each setting at its start, and names a wrong one in a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from launch_gateway.locations import values_of
from launch_gateway.settings import SettingsError, egress, nano_cpus, run_values, size, values
from tests.unit.gateway.conftest import ENVIRONMENT, policy


@pytest.mark.parametrize(("text", "found"), [("512m", 2**29), ("1g", 2**30), ("2G", 2**31), ("6291456", 6 * 2**20)])
def test_size_reads_the_units_of_compose(text: str, found: int) -> None:
    """Compose and the gateway must read the same value from a line of .env."""
    assert size({"RUN_MEMORY": text}, "RUN_MEMORY") == found


def test_values_set_the_sizes_of_tmp_home_and_shared_memory() -> None:
    """Programs can run in the home folder only, because Docker adds noexec to /tmp."""
    found = run_values({**ENVIRONMENT, "RUN_TMP": "2m", "RUN_SHM": "1m"}, "shop", {"volumes": []})
    assert found["TMPFS"] == {
        "/tmp": "size=2097152",  # noqa: S108 - in the container
        "/home/dagster": "exec,size=2097152,uid=10001,gid=10001,mode=0700",
    }
    assert found["SHM"] == 2**20


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RUN_MEMORY", "lots", "it must be a size of at least 6m, such as 512m or 2g"),
        ("RUN_MEMORY", "0", "it must be a size of at least 6m"),
        ("RUN_MEMORY", "-1", "it must be a size of at least 6m"),
        ("RUN_MEMORY", "1 g", "it must be a size of at least 6m"),
        ("RUN_TMP", "512", "it must be a size of at least 1m, such as 512m or 2g"),
        ("RUN_SHM", "64 MiB", "it must be a size of at least 1m"),
        ("RUN_CPUS", "0", "it must be a number of processors above 0, such as 1 or 0.5"),
        ("RUN_CPUS", "all", "it must be a number of processors above 0"),
        ("RUN_PIDS", "-1", "it must be a number of processes above 0"),
        ("RUN_CONTAINERS_MAX", "0", "it must be a number of containers from 1 to 9999, such as 50"),
        ("RUN_CONTAINERS_MAX", "many", "it must be a number of containers from 1 to 9999, such as 50"),
        ("RUN_EGRESS", "maybe", "it must be allow or deny"),
        ("PROJECT", "a/b", "it must be the name of a Compose project"),
    ],
)
def test_gateway_rejects_a_wrong_setting_at_its_start(name: str, value: str, said: str) -> None:
    """Without this check, the gateway would start, and every run would fail."""
    with pytest.raises(SettingsError) as caught:
        assert values({**ENVIRONMENT, name: value}) != run_values({**ENVIRONMENT, name: value}, "shop", {"volumes": []})
    assert str(caught.value).startswith(f"{name} is set to '{value}', which is not allowed: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it cannot be read: TypeError"),
        ("services: {}", "it cannot be read: KeyError: 'x-runs'"),
        ("x-runs: {", "it cannot be read: ParserError"),
        ("x-runs: {memory: 2g}", "x-runs: 'volumes' is a required property."),
        (
            "x-runs: {volumes: [], privileged: true}",
            "x-runs: Additional properties are not allowed ('privileged' was unexpected).",
        ),
        ("x-runs: {volumes: ['./data:/data']}", "x-runs.volumes.0: './data:/data' does not match"),
        ("x-runs: {volumes: ['/etc:/data']}", "x-runs.volumes.0: '/etc:/data' does not match"),
        ("x-runs: {volumes: ['${X}:/data']}", "x-runs.volumes.0: '${X}:/data' does not match"),
        ("x-runs: {volumes: ['a:/../etc:rw']}", "x-runs.volumes.0: 'a:/../etc:rw' does not match"),
        ("x-runs: {volumes: [], egress: perhaps}", "x-runs.egress: 'perhaps' is not one of ['allow', 'deny']."),
        ("x-runs: {volumes: [], memory: lots}", "RUN_MEMORY is set to 'lots', which is not allowed"),
    ],
)
def test_gateway_rejects_a_compose_file_that_does_not_say_what_runs_may_have(tmp_path: Path, text: str, said: str) -> None:
    """Only `x-runs` says which volumes belong to runs. The sentence names the file."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/compose.yml").write_text(text)
    with pytest.raises(SettingsError, match=f"^locations/shop/compose.yml:? {re.escape(said)}"):
        values_of(tmp_path, "shop", ENVIRONMENT, policy(tmp_path / "shop").data["runs"])


def test_gateway_reads_compose_files_with_tags_of_compose(tmp_path: Path) -> None:
    """An operator may use `!override` and `!reset`, which YAML does not know."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/compose.yml").write_text(
        "x-runs: {volumes: [a:/b:ro]}\nservices: {shop: {tmpfs: !override [/x], ports: !reset null}}"
    )
    assert values_of(tmp_path, "shop", ENVIRONMENT, policy(tmp_path / "shop").data["runs"])["VOLUMES"] == ["p_a:/b:ro"]


@pytest.mark.parametrize(("setting", "network"), [("deny", "p_runs"), ("allow", "p_runs_egress")])
def test_run_egress_decides_the_network_of_runs(setting: str, network: str) -> None:
    """The network of a run decides which hosts its code can reach."""
    environ = {**ENVIRONMENT, "RUN_EGRESS": setting}
    assert egress(environ) is (setting == "allow")
    assert run_values(environ, "shop", {"volumes": []})["RUN_NETWORK"] == network
    assert run_values(environ, "shop", {"volumes": [], "egress": "allow"})["RUN_NETWORK"] == "p_runs_egress"


def test_nano_cpus_converts_processors_to_billionths() -> None:
    """The engine expects billionths of a processor."""
    assert nano_cpus({"RUN_CPUS": "1.5"}) == 1_500_000_000
