"""The files that `make worker-host` sends: a worker there is the same as here, but for networks, volumes and sizes."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import pytest

from operate.compose import CommandError
from operate.locations import Location
from operate.overlays import BASE, WORKER, WORKER_GATEWAY, OverlayError, compose_files
from operate.worker_bundle import env_text, labelled, mounted, packed, volume, worker
from operate.worker_host import check, check_name, target
from operate.worker_targets import Folder, Ssh

SERVICE: dict[str, Any] = {
    "image": "dagster/shop:1",
    "command": ["python"],
    "environment": {"CODE_LOCATION": "shop", "WORKER_CONCURRENCY": "4"},
    "cap_drop": ["ALL"],
    "cpus": 2,
    "mem_limit": "4294967296",
    "depends_on": {"broker_users": {}},
    "networks": {"runs": None, "work": None},
    "pull_policy": "never",
    "read_only": True,
    "volumes": [
        {"type": "volume", "source": "shop_secrets", "target": "/run/secrets", "read_only": True},
        {"type": "volume", "source": "shop_data", "target": "/opt/project/data"},
    ],
}


def test_worker_elsewhere_is_as_hard_as_here_and_has_sizes_of_its_host() -> None:
    """A host may have more processors than the deployment. Its settings win."""
    made = worker(SERVICE, "shop")
    assert {name: made[name] for name in ("image", "command", "cap_drop", "read_only")} == {
        name: SERVICE[name] for name in ("image", "command", "cap_drop", "read_only")
    }
    assert (made["cpus"], made["mem_limit"]) == ("${WORKER_CPUS:-2}", "${WORKER_MEMORY:-4294967296}")
    assert made["environment"] == {
        "CODE_LOCATION": "shop",
        "WORKER_CONCURRENCY": "${WORKER_CONCURRENCY:-4}",
        "WORKER_HOST": "${WORKER_HOST}",
    }
    assert made["networks"] == ["runs"]
    assert [mount["source"] for mount in made["volumes"]] == ["secrets_shop", "shop_data"]
    assert made["depends_on"] == {"deployment": {"condition": "service_healthy"}}


def test_worker_elsewhere_has_the_way_out_of_its_code_location() -> None:
    """RUN_EGRESS=allow holds on every host."""
    assert worker({**SERVICE, "networks": {"runs_egress": None, "work": None}}, "shop")["networks"] == ["runs", "outside"]


def test_worker_with_a_folder_of_this_host_is_refused() -> None:
    """The other host has no such folder: Docker would make an empty one."""
    mount = {"type": "bind", "source": "/srv/data", "target": "/data"}
    with pytest.raises(
        CommandError, match=r"^the worker of shop mounts /srv/data, which another host does not have: use a volume$"
    ):
        mounted(mount, "shop")


def test_env_of_a_host_keeps_what_somebody_has_added_there() -> None:
    """`make worker-host` is repeated after each deployment."""
    before = "WORKER_HOST=old\nWORKER_CONCURRENCY=8\n# four processors\n"
    assert env_text(before, {"WORKER_HOST": "h2"}, 8) == "WORKER_HOST=h2\nWORKER_CONCURRENCY=8\n# four processors\n"


def test_first_env_of_a_host_has_sizes_by_its_processors() -> None:
    """Docker refuses a container with more processors than the host has."""
    lines = ["WORKER_HOST=h2", "WORKER_CPUS=8", "WORKER_CONCURRENCY=16", "WORKER_MEMORY=16g", ""]
    assert env_text("", {"WORKER_HOST": "h2"}, 8).split("\n") == lines
    assert env_text("", {"WORKER_HOST": "h2"}) == "WORKER_HOST=h2\n"


def test_bundle_is_unpacked_to_files_of_their_owner_alone() -> None:
    """It holds passwords."""
    with tarfile.open(fileobj=io.BytesIO(packed([("secrets.tar", b"x"), (".env", b"")]))) as tar:
        assert [(member.name, member.mode, member.size) for member in tar] == [("secrets.tar", 0o600, 1), (".env", 0o600, 0)]


@pytest.mark.parametrize("name", ["", "2h", "H2", "h2; id", "../ca.pem", "h.tar", "here", "h" * 31])
def test_name_that_is_no_host_name_is_refused(name: str) -> None:
    """It becomes the name of a file, of a project and in a certificate."""
    with pytest.raises(CommandError, match=r"is not allowed: small letters, digits and -, a letter first, 30 at most$"):
        check_name(name)


@pytest.mark.parametrize(
    ("store", "worker", "address", "said"),
    [
        ("postgres", "shop_worker", "", "set WORKER_GATEWAY_ADDRESS in .env to the name or address by which worker hosts"),
        ("volumes", "shop_worker", "h1", "set OUTPUT_STORE=postgres in .env, then make up: hosts share no volume with this one"),
        ("postgres", "other", "h1", "shop has no service shop_worker: copy it from operate/location.template"),
    ],
)
def test_worker_host_says_what_is_missing(store: str, worker: str, address: str, said: str) -> None:
    """Nothing is sent then."""
    services = {"daemon": {"environment": {"OUTPUT_STORE": store}}, worker: {}}
    with pytest.raises(CommandError, match=f"^{said}"):
        check(services, [Location("shop", {})], address)
    check({**services, "daemon": {"environment": {"OUTPUT_STORE": "postgres"}}, "shop_worker": {}}, [Location("shop", {})], "h1")


def test_containers_are_replaced_if_the_secrets_have_changed() -> None:
    """Compose compares settings only. A worker reads its passwords at its start."""
    model = {"services": {"shop_worker": {"image": "x"}}, "volumes": {}}
    one, other = labelled(model, b"1"), labelled(model, b"2")
    assert one["services"].keys() == {"deployment", "shop_worker"}
    for name in one["services"]:
        assert one["services"][name]["labels"] != other["services"][name]["labels"]
    assert labelled(model, b"1") == one


def test_volume_of_a_network_file_system_is_the_same_on_each_host() -> None:
    """That is how a team shares `data/`. Compose would otherwise make an empty volume."""
    options = {"type": "nfs", "o": "addr=10.0.0.9", "device": ":/data"}
    assert volume({"name": "dagster_data", "driver_opts": options}) == {"driver_opts": options}


def test_worker_in_a_network_of_its_own_is_refused() -> None:
    """The other host has no such network."""
    with pytest.raises(CommandError, match=r"^the worker of shop is in the network ours, which other hosts do not have$"):
        worker({**SERVICE, "networks": {"runs": None, "ours": None}}, "shop")


def test_target_is_a_folder_if_it_holds_a_slash() -> None:
    """A host name holds none."""
    assert isinstance(target("./h2", "dagster"), Folder)
    assert isinstance(target("ops@h2", "dagster"), Ssh)


def test_gateway_of_worker_hosts_needs_workers() -> None:
    """Without workers there is no broker to lead to."""
    both = {"RUN_ISOLATION": "worker", "WORKER_GATEWAY": "1"}
    assert compose_files(BASE, both) == f"{BASE}:{WORKER}:{WORKER_GATEWAY}"
    assert compose_files(f"{BASE}:{WORKER}:{WORKER_GATEWAY}", {"RUN_ISOLATION": "container"}) == BASE
    with pytest.raises(OverlayError, match=r"^WORKER_GATEWAY is set to '1', which needs workers: add RUN_ISOLATION=worker\.$"):
        compose_files(BASE, {"WORKER_GATEWAY": "1"})
