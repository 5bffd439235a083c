"""The gateway's settings: each is checked at start, with a sentence."""

from __future__ import annotations

import pytest

from launch_gateway.settings import SettingsError, egress, nano_cpus, size, values
from tests.unit.gateway.conftest import ENVIRONMENT


@pytest.mark.parametrize(("text", "found"), [("512m", 2**29), ("1g", 2**30), ("2G", 2**31), ("6291456", 6 * 2**20)])
def test_a_size_is_read_as_compose_reads_it(text: str, found: int) -> None:
    """In bytes."""
    assert size({"RUN_MEMORY": text}, "RUN_MEMORY") == found


def test_both_places_in_memory_have_the_size_that_is_set() -> None:
    """Programs can be executed in the home folder only; Docker adds noexec to the other."""
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
def test_a_setting_that_is_not_allowed_stops_the_gateway_with_a_sentence(name: str, value: str, said: str) -> None:
    """Otherwise every run would fail, and nothing before."""
    with pytest.raises(SettingsError) as caught:
        values({**ENVIRONMENT, name: value})
    assert str(caught.value).startswith(f"{name} is set to '{value}', which is not allowed: {said}")
    assert str(caught.value).endswith("Correct it in .env.")


@pytest.mark.parametrize(
    "container", ["", "[1]", "{}", "{", '{"networks": []}', '{"networks": ["n"], "container_kwargs": {"labels": {}}}']
)
def test_a_run_container_that_is_none_stops_the_gateway(container: str) -> None:
    """Without it, nobody knows which volumes and networks belong to runs."""
    with pytest.raises(SettingsError, match="RUN_CONTAINER must be a JSON object"):
        values({**ENVIRONMENT, "RUN_CONTAINER": container})


@pytest.mark.parametrize(("setting", "network"), [("deny", "p_runs"), ("allow", "p_runs_egress")])
def test_runs_reach_the_outside_only_if_the_operator_allows_it(setting: str, network: str) -> None:
    """The network of a run decides which hosts its code reaches."""
    environ = {**ENVIRONMENT, "RUN_EGRESS": setting}
    assert egress(environ) is (setting == "allow")
    assert values(environ)["RUN_NETWORK"] == network


def test_processors_are_billionths() -> None:
    """As the engine wants them."""
    assert nano_cpus({"RUN_CPUS": "1.5"}) == 1_500_000_000
