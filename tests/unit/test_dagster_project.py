"""A project says where its definitions and its packages are. A mistake becomes one sentence with the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.definitions import ProjectError, module_of
from dagster_project.packages import Packages, deciding_files, is_package, packages_of, stamp, stamp_in


def project(folder: Path, **files: str) -> Path:
    """Writes files whose names have `_` in place of the last dot, and returns their folder."""
    for name, text in files.items():
        (folder / ".".join(name.rsplit("_", 1))).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ('[tool.dg.project]\nroot_module = "shop"\n', "shop.definitions"),
        ('[tool.dg.project]\nroot_module = "shop"\ncode_location_target_module = "shop.main"\n', "shop.main"),
        ('[tool.dagster]\nmodule_name = "shop"\n', "shop"),
        ('[tool.dg.project]\nroot_module = "new"\n[tool.dagster]\nmodule_name = "old"\n', "new.definitions"),
    ],
)
def test_module_of_finds_the_module_as_dagster_does(tmp_path: Path, text: str, module: str) -> None:
    """`dg dev` and `dagster dev` take the module from the same places."""
    assert module_of(project(tmp_path, pyproject_toml=text)) == module


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "does not say which module holds its definitions: add to its pyproject.toml a section [tool.dg.project]"),
        ("[project]\nname = 'x'\n", "does not say which module holds its definitions"),
        ("tool = 1\n", "does not say which module holds its definitions"),
        ('[tool.dagster]\nmodule_name = "shop; rm"\n', "names the module 'shop; rm', which is not the name of a module"),
        ("[tool.dagster]\nmodule_name = [1]\n", "names the module [1], which is not the name of a module"),
        ("[tool", "pyproject.toml cannot be read"),
    ],
)
def test_module_of_names_the_remedy(tmp_path: Path, text: str | None, said: str) -> None:
    """A user who hosts a project for the first time needs to know what to write where."""
    folder = project(tmp_path, pyproject_toml=text) if text else tmp_path
    with pytest.raises(ProjectError) as caught:
        module_of(folder)
    assert said in str(caught.value)


NAMED = "[project]\nname = 'x'\n"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"uv_lock": "", "pyproject_toml": NAMED, "requirements_txt": ""}, Packages("pyproject.toml", "uv.lock")),
        ({"pyproject_toml": NAMED, "requirements_txt": ""}, Packages("requirements.txt")),
        ({"pyproject_toml": NAMED, "setup_py": ""}, Packages("pyproject.toml")),
        ({"pyproject_toml": "[tool.dagster]\n", "setup_py": ""}, Packages("setup.py")),
        ({"setup_cfg": ""}, Packages("setup.cfg")),
    ],
)
def test_packages_of_prefers_locks_to_lists(tmp_path: Path, files: dict[str, str], found: Packages) -> None:
    """A project with a lock was tested with it."""
    assert packages_of(project(tmp_path, **files)) == found


def test_packages_of_names_the_remedy_if_a_project_lists_none(tmp_path: Path) -> None:
    """Without a list, every import of the code would fail in its container."""
    with pytest.raises(ProjectError, match=r"lists no packages: add \[project\] dependencies to its pyproject.toml$"):
        packages_of(project(tmp_path, pyproject_toml="[tool.dagster]\n"))


@pytest.mark.parametrize(
    ("files", "package"),
    [
        ({"pyproject_toml": NAMED}, False),
        ({"pyproject_toml": f"{NAMED}[build-system]\nrequires = []\n"}, True),
        ({"setup_py": ""}, True),
        ({"pyproject_toml": f"{NAMED}[build-system]\nrequires = []\n[tool.uv]\npackage = false\n"}, False),
        ({"pyproject_toml": f"{NAMED}[tool.uv]\npackage = true\n"}, True),
    ],
)
def test_is_package_decides_as_uv_does(tmp_path: Path, files: dict[str, str], package: bool) -> None:
    """A project without a build system is found in its folder. An attempt to install it would fail."""
    assert is_package(project(tmp_path, **files)) is package


def test_stamp_changes_with_each_file_that_decides_the_packages(tmp_path: Path) -> None:
    """An old lock would install other packages than the project lists."""
    deployment = tmp_path / "constraints.txt"
    deployment.write_text("dagster==1\n")
    seen = {stamp(tmp_path, [deployment])}
    for name in ("uv.lock", "requirements.txt", "pyproject.toml", "setup.py", "setup.cfg"):
        (tmp_path / name).write_text("# x\n")
        seen.add(stamp(tmp_path, [deployment]))
    deployment.write_text("dagster==2\n")
    seen.add(stamp(tmp_path, [deployment]))
    (tmp_path / "more").mkdir()
    (tmp_path / "more/base.txt").write_text("-c other.txt\n")
    (tmp_path / "more/other.txt").write_text("pandas<3\n")
    (tmp_path / "requirements.txt").write_text("-r more/base.txt\n")
    seen.add(stamp(tmp_path, [deployment]))
    (tmp_path / "more/other.txt").write_text("pandas<4\n")
    seen.add(stamp(tmp_path, [deployment]))
    assert len(seen) == 9
    (tmp_path / "code.py").write_text("x")
    assert stamp(tmp_path, [deployment]) in seen


def test_deciding_files_are_those_of_the_project_only(tmp_path: Path) -> None:
    """A file elsewhere on the developer's machine is not in the build."""
    (tmp_path / "requirements.txt").write_text("-r ../outside.txt\n--requirement=base.txt\n-r gone.txt\n")
    (tmp_path / "base.txt").write_text("-r requirements.txt\n")
    assert [path.name for path in deciding_files(tmp_path)] == ["requirements.txt", "base.txt"]


def test_stamp_in_reads_the_stamp_of_a_lock(tmp_path: Path) -> None:
    """A lock without a stamp, for instance one that somebody wrote by hand, is not current."""
    made = stamp(tmp_path, [])
    assert stamp_in(f"# python: 3.13\n# inputs: {made}\na==1\n") == made
    assert stamp_in("a==1\n") is None
