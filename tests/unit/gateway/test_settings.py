"""The gateway checks each setting at its start, and names a wrong one in a sentence."""

from __future__ import annotations

import pytest

from launch_gateway.settings import SettingsError, egress, nano_cpus, size, values
from tests.unit.gateway.conftest import ENVIRONMENT


@pytest.mark.parametrize(("text", "found"), [("512m", 2**29), ("1g", 2**30), ("2G", 2**31), ("6291456", 6 * 2**20)])
def test_size_reads_the_units_of_compose(text: str, found: int) -> None:
    """Compose and the gateway must read the same value from a line of .env."""
    assert size({"RUN_MEMORY": text}, "RUN_MEMORY") == found


def test_values_set_the_sizes_of_tmp_home_and_shared_memory() -> None:
    """Programs can run in the home folder only, because Docker adds noexec to /tmp."""
    found = values({**ENVIRONMENT, "RUN_TMP": "2m", "RUN_SHM": "1m"})
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
        ("RUN_IMAGES", "", "it must be images with their tags, such as 'shop/user_code:7'"),
        ("RUN_IMAGES", "shop/user_code", "it must be images with their tags"),
    ],
)
def test_gateway_rejects_a_wrong_setting_at_its_start(name: str, value: str, said: str) -> None:
    """Without this check, the gateway would start, and every run would fail."""
    with pytest.raises(SettingsError) as caught:
        values({**ENVIRONMENT, name: value})
    assert str(caught.value).startswith(f"{name} is set to '{value}', which is not allowed: {said}")
    assert str(caught.value).endswith("Correct it in .env.")


@pytest.mark.parametrize(
    "container", ["", "[1]", "{}", "{", '{"networks": []}', '{"networks": ["n"], "container_kwargs": {"labels": {}}}']
)
def test_gateway_rejects_an_invalid_run_container(container: str) -> None:
    """Only RUN_CONTAINER says which volumes and networks belong to runs."""
    with pytest.raises(SettingsError, match="RUN_CONTAINER must be a JSON object"):
        values({**ENVIRONMENT, "RUN_CONTAINER": container})


@pytest.mark.parametrize(("setting", "network"), [("deny", "p_runs"), ("allow", "p_runs_egress")])
def test_run_egress_decides_the_network_of_runs(setting: str, network: str) -> None:
    """The network of a run decides which hosts its code can reach."""
    environ = {**ENVIRONMENT, "RUN_EGRESS": setting}
    assert egress(environ) is (setting == "allow")
    assert values(environ)["RUN_NETWORK"] == network


def test_nano_cpus_converts_processors_to_billionths() -> None:
    """The engine expects billionths of a processor."""
    assert nano_cpus({"RUN_CPUS": "1.5"}) == 1_500_000_000
