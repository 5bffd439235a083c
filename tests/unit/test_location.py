"""`make location` writes three texts, and removes exactly these again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from operate import location
from operate.compose import ROOT, CommandError
from operate.secret import reader
from scripts.compose_text import compose_file, parsed


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yields a folder with the two files that list code locations."""
    monkeypatch.setattr(location, "FOLDER", tmp_path)
    for name in ("INCLUDES", "WORKSPACE"):
        monkeypatch.setattr(location, name, tmp_path / name)
        (tmp_path / name).write_text(f"{name}:\n")
    return tmp_path


def test_forget_removes_exactly_what_add_wrote(texts: Path) -> None:
    """The texts are in Git: a removed location must leave no trace."""
    before = {path.name: path.read_text() for path in texts.iterdir()}
    (texts / "shop").mkdir()
    location.append(location.INCLUDES, location.include_line("shop"))
    location.append(location.WORKSPACE, location.workspace_entry("shop"))
    location.forget("shop")
    assert {path.name: path.read_text() for path in texts.iterdir()} == before


def test_append_starts_a_new_line(texts: Path) -> None:
    """An editor may leave a file without its last newline, and YAML would be broken."""
    location.WORKSPACE.write_text("load_from:\n  - x")
    location.append(location.WORKSPACE, location.workspace_entry("shop"))
    assert location.WORKSPACE.read_text() == f"load_from:\n  - x\n{location.workspace_entry('shop')}"


def test_check_texts_names_the_lines_that_somebody_has_edited(texts: Path) -> None:
    """The verb must not guess what an edited text means."""
    with pytest.raises(CommandError, match=r"INCLUDES does not hold the lines that `make location` wrote\. Remove by hand:"):
        location.check_texts("shop")


def test_check_texts_keeps_the_only_code_location(texts: Path) -> None:
    """Dagster's webserver does not start without one."""
    location.append(location.INCLUDES, location.include_line("shop"))
    location.append(location.WORKSPACE, location.workspace_entry("shop"))
    with pytest.raises(CommandError, match="shop is the only code location, and Dagster needs one: add another one first"):
        location.check_texts("shop")


@pytest.mark.parametrize("name", ["", "Shop", "9shop", "shop-2", "../shop", "a" * 41, "shop.x"])
def test_check_name_rejects_names_that_cannot_be_a_service_and_an_image(name: str) -> None:
    """The name becomes a Compose service, an image, volumes and a variable of .env."""
    with pytest.raises(CommandError, match="is not allowed: small letters, digits and _, a letter first, 40 at most"):
        location.check_name(name)


@pytest.mark.parametrize(
    "name", ["postgres", "webserver", "edge", "login", "dagster", "secrets", "code_server", "ui", "evaluation", "user_admin"]
)
def test_check_name_rejects_names_of_services_and_images(name: str) -> None:
    """An overlay that is not in use now may come later."""
    with pytest.raises(CommandError, match=f"'{name}' is not allowed: a service or an image of this deployment has it"):
        location.check_name(name)


def test_check_name_rejects_a_location_that_exists() -> None:
    """A second `make location` must not overwrite an edited text."""
    with pytest.raises(CommandError, match="there is a code location user_code already"):
        location.check_name("user_code")


@pytest.mark.parametrize(("typed", "path"), [("../shop", "../shop"), ("/srv/shop", "/srv/shop"), ("shop", "./shop")])
def test_as_path_writes_what_compose_takes_for_a_folder(typed: str, path: str) -> None:
    """Compose takes a bare name for a volume."""
    assert location.as_path(typed) == path


def test_template_has_the_same_keys_as_the_first_code_location() -> None:
    """The first one is made like any other. Only its settings, its database and its older names differ."""
    text = location.TEMPLATE.read_text()
    for mark, value in {"@NAME@": "user_code", "@VARIABLE@": "USER_CODE_TAG", "@FROM@": "./user_code"}.items():
        text = text.replace(mark, value)
    made, ours = parsed(text), compose_file("locations/user_code/compose.yml")
    assert set(made) == set(ours)
    assert set(ours["services"]["user_code"]) - set(made["services"]["user_code"]) == {"env_file"}
    assert set(made["services"]) == set(ours["services"])
    targets = [volume.partition(":")[2] for volume in made["x-runs"]["volumes"]]
    assert targets == [volume.partition(":")[2] for volume in ours["x-runs"]["volumes"]]


def test_reader_asks_which_code_location_if_there_are_several() -> None:
    """A secret in the wrong location would be read by other people's code."""
    assert reader(["shop"], None) == "shop"
    assert reader(["a", "shop"], "shop") == "shop"
    with pytest.raises(CommandError, match="which code location may read it\\? LOCATION= names one of a, shop"):
        reader(["a", "shop"], None)
    with pytest.raises(CommandError, match="there is no code location x: there are a, shop"):
        reader(["a", "shop"], "x")


def test_every_code_location_is_listed_in_both_files() -> None:
    """A location that only one file lists would not start, or would stay an error in the UI."""
    names = sorted(path.parent.name for path in (ROOT / "locations").glob("*/compose.yml"))
    includes, workspace = (location.INCLUDES.read_text(), location.WORKSPACE.read_text())
    assert [name for name in names if location.include_line(name) not in includes] == []
    assert [name for name in names if location.workspace_entry(name) not in workspace] == []


def test_own_volumes_leaves_out_those_that_others_mount() -> None:
    """Nobody may remove the output of other runs with the command that the verb prints."""
    mounts = {"shop": ("a", "shared"), "shop_secrets": ("a", "postgres"), "webserver": ("shared",)}
    services = {
        name: {"volumes": [{"type": "volume", "source": source} for source in sources]} for name, sources in mounts.items()
    }
    deployment = {"services": services, "volumes": {name: {"name": f"p_{name}"} for name in ("a", "shared", "postgres")}}
    assert location.own_volumes(deployment, "shop") == ["p_a"]
