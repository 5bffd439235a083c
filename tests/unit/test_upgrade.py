"""`make upgrade` keeps a record of the release that runs, and checks before it changes anything."""

from __future__ import annotations

import json
import shutil
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from operate import recorded
from operate.compose import CommandError
from operate.frozen import copy, frozen, mounted
from operate.preflight import GIB
from operate.recorded import COMPOSE, FACTS, Recorded, check_same_dagster, forget_records, locked_dagster, running
from operate.upgrade_steps import check_disk, renamed


def checkout(folder: Path) -> Path:
    """Returns a folder with the files that a release mounts."""
    for name, text in {
        "workspace.yaml": "load_from: []",
        "locations/shop/compose.yml": "x",
        "shop/big": "x",
        ".env": "A=1",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def model(root: Path) -> dict[str, object]:
    """Returns a Compose model that mounts files of the checkout, of the user and of the machine."""
    bind = [f"{root}/workspace.yaml", f"{root}/locations", f"{root}/shop", "/var/run/docker.sock"]
    mounts = [{"type": "bind", "source": source, "target": f"/t{number}"} for number, source in enumerate(bind)]
    volume = {"type": "volume", "source": "data", "target": "/data"}
    return {
        "name": "shop",
        "services": {
            "shop": {"image": "shop/shop:1", "pull_policy": "build", "volumes": [*mounts, volume]}
            | {"build": {"context": str(root), "additional_contexts": {"project": f"{root}/shop"}}},
            "postgres": {"image": "postgres:17"},
        },
        "secrets": {"key": {"name": "shop_key", "file": f"{root}/.env"}, "none": {"file": "/dev/null"}},
        "volumes": {"data": {"name": "shop_data"}},
    }


def test_recorded_release_mounts_copies_and_builds_nothing(tmp_path: Path) -> None:
    """`git pull` replaces the files of the checkout. A user's project is not part of a release, and may be large."""
    root, folder = checkout(tmp_path / "root"), tmp_path / "kept"
    copies = [f"{folder}/workspace.yaml", f"{folder}/locations"]
    copy(mounted(model(root), root), root, folder)
    kept = frozen(model(root), root, folder)
    shop = kept["services"]["shop"]
    assert (shop["pull_policy"], "build" in shop) == ("never", False)
    assert [mount["source"] for mount in shop["volumes"]] == [
        *copies, f"{root}/shop", "/var/run/docker.sock", "data",
    ]  # fmt: skip
    # They have owners, who could not read a copy.
    assert kept["secrets"] == model(root)["secrets"]
    (root / "workspace.yaml").write_text("of the next release")
    assert (folder / "workspace.yaml").read_text() == "load_from: []"
    assert (folder / "locations/shop/compose.yml").read_text() == "x"
    assert kept["volumes"] == {"data": {"name": "shop_data"}}


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the folder of records."""
    monkeypatch.setattr(recorded, "FOLDER", tmp_path / "records")
    return tmp_path / "records"


def test_commands_see_the_recorded_release_in_the_block_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose takes this variable before `.env`. An error in the block must not leave it set."""
    release = Recorded(tmp_path)
    for before in ("a.yml:b.yml", None):
        monkeypatch.delenv("COMPOSE_FILE", raising=False)
        if before:
            monkeypatch.setenv("COMPOSE_FILE", before)
        with suppress(KeyError), release.chosen():
            assert recorded.os.environ["COMPOSE_FILE"] == str(tmp_path / COMPOSE)
            raise KeyError
        assert recorded.os.environ.get("COMPOSE_FILE") == before


def test_another_version_of_dagster_needs_an_upgrade(records: Path) -> None:
    """`make up` would change Dagster's tables without a way back."""
    check_same_dagster("shop")
    folder = running("shop").folder
    folder.mkdir(parents=True)
    (folder / FACTS).write_text(json.dumps({"dagster": locked_dagster()}))
    check_same_dagster("shop")
    (folder / FACTS).write_text(json.dumps({"dagster": "1.11.16"}))
    with pytest.raises(
        CommandError, match=r"^Dagster 1\.11\.16 runs here, and this release has \S+: `make upgrade` keeps a backup"
    ):
        check_same_dagster("shop")
    forget_records("shop")
    assert not folder.exists()


def test_folder_of_another_project_is_no_release(tmp_path: Path) -> None:
    """Somebody types the wrong folder as FROM."""
    with pytest.raises(
        CommandError, match=r"requirements\.txt names no version of Dagster: is .* a folder of this deployment\?$"
    ):
        locked_dagster(tmp_path)


def test_upgrade_needs_room_for_two_copies_and_images() -> None:
    """A full disk in the middle would stop Postgres."""
    check_disk(None, 10 * GIB, 10 * GIB, moving=False)
    check_disk(15 * GIB, 10 * GIB, 10 * GIB, moving=False)
    with pytest.raises(CommandError, match=r"^14\.0 GiB of disk for Docker are free, and 15\.0 GiB are needed for a copy"):
        check_disk(14 * GIB, 10 * GIB, 10 * GIB, moving=False)
    with pytest.raises(CommandError, match=r"^15\.0 GiB of disk for Docker are free, and 25\.0 GiB are needed for a copy"):
        check_disk(15 * GIB, 20 * GIB, 10 * GIB, moving=True)
    with pytest.raises(CommandError, match=r"^9\.0 GiB of disk for this folder are free, and 10\.0 GiB are needed for a backup$"):
        check_disk(15 * GIB, 9 * GIB, 10 * GIB, moving=False)


def test_files_of_a_release_stay_until_no_record_names_them(
    records: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After a return, the containers of the former release mount them."""
    root = checkout(tmp_path / "root")
    (root / recorded.LOCK).parent.mkdir(parents=True)
    (root / recorded.LOCK).write_text("dagster==1.13.3 \\\n")
    text = "name: shop\nservices: {a: {image: b, volumes: ['./workspace.yaml:/w:ro']}}\n"
    (root / "docker-compose.yml").write_text(text)
    monkeypatch.setenv("COMPOSE_FILE", "docker-compose.yml")
    recorded.record("shop", root)
    recorded.record("shop", root)
    (first,) = (records / "shop.files").iterdir()
    shutil.copytree(running("shop").folder, records / "shop.former")
    (root / "workspace.yaml").write_text("of the next release")
    recorded.record("shop", root)
    assert (first / "workspace.yaml").read_text() == "load_from: []"
    assert len(list((records / "shop.files").iterdir())) == 2
    shutil.rmtree(records / "shop.former")
    recorded.record("shop", root)
    assert not first.exists()


def test_renamed_volumes_are_those_that_the_former_release_has() -> None:
    """The line may stay in the file: a later upgrade must not copy old data over new."""
    before = {"volumes": {"outputs": {"name": "elsewhere"}, "logs": {"name": "shop_logs"}}}
    volumes = {"op_outputs": {"name": "shop_op_outputs"}, "logs": {"name": "shop_logs"}}
    after = {"volumes": volumes, "x-renamed-volumes": {"op_outputs": "outputs", "logs": "log"}}
    assert renamed(before, after) == [("op_outputs", "elsewhere", "shop_op_outputs")]
    assert renamed(after, after) == []
    assert renamed(before, {"volumes": volumes}) == []
    with pytest.raises(CommandError, match=r"^x-renamed-volumes names none, which no service of this release mounts$"):
        renamed(before, {"volumes": volumes, "x-renamed-volumes": {"none": "outputs"}})


def test_record_belongs_to_its_owner_alone(records: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It holds settings with all passwords filled in."""
    root = checkout(tmp_path / "root")
    (root / recorded.LOCK).parent.mkdir(parents=True)
    (root / recorded.LOCK).write_text("dagster==1.13.3 \\\n")
    (root / "docker-compose.yml").write_text("name: shop\nservices: {a: {image: b, environment: {KEY: $$1}}}\n")
    monkeypatch.setenv("COMPOSE_FILE", "docker-compose.yml")
    recorded.record("shop", root)
    there = running("shop")
    assert stat.S_IMODE(there.folder.stat().st_mode) == 0o700
    assert (there.dagster, there.model["services"]["a"]["environment"]) == ("1.13.3", {"KEY": "$$1"})
