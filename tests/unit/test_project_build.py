"""The build of a code location reads a project's wishes, and copies the project's files."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from dagster_project.definitions import ProjectError
from dagster_project.packages import stamp
from project_build.copying import MODIFIED, copy
from project_build.dagster_versions import named, pins, refused, unpinned
from project_build.install import check
from project_build.local_packages import header, paths_in, split
from project_build.lock import check_python

SETUP = """setup(install_requires=["dagster", 'dagster-dbt[duckdb]>=0.20', "dagster_cloud", "pandas"])"""
REQUIREMENTS = """# dagster is pinned
dagster==1.11.2 \\
    --hash=sha256:00
dagster-pandas<0.27 ; python_version > "3.9"
pandas==2.0  # not dagster
mydagster==1
"""


def test_named_finds_dagster_packages_in_each_kind_of_file() -> None:
    """The deployment decides the versions of these packages, and keeps their extras."""
    assert named(SETUP) == {"dagster": ("", ""), "dagster-dbt": ("[duckdb]", ">=0.20"), "dagster-cloud": ("", "")}
    assert named(REQUIREMENTS) == {"dagster": ("", "==1.11.2"), "dagster-pandas": ("", "<0.27")}
    assert named('dependencies = ["dagster>=1.9,<2", "x"]') == {"dagster": ("", ">=1.9,<2")}


def test_unpinned_allows_any_version_and_keeps_extras() -> None:
    """An override of uv replaces the whole requirement."""
    assert unpinned(named(SETUP)) == "dagster\ndagster-cloud\ndagster-dbt[duckdb]\n"


def test_refused_names_each_wish_that_is_not_granted() -> None:
    """The user must know that another version runs than the project was tested with."""
    got = {"dagster": "1.13.27", "dagster-pandas": "0.29.27", "pandas": "3.0"}
    assert list(refused(named(REQUIREMENTS), {}, got)) == [
        "the project asks for dagster==1.11.2; it gets 1.13.27, which fits webserver and daemon",
        "the project asks for dagster-pandas<0.27; it gets 0.29.27, which fits webserver and daemon",
    ]
    assert list(refused(named('"dagster>=1.9"'), {}, got)) == []
    locked = {"dagster": "1.12.0", "pandas": "2.0"}
    assert list(refused(named('"dagster>=1.9"'), locked, got)) == [
        "the project asks for dagster==1.12.0; it gets 1.13.27, which fits webserver and daemon"
    ]


def test_pins_reads_exact_versions_only() -> None:
    """Hashes and comments follow the pins of a lock."""
    assert pins("# via x\nAlembic==1.2 \\\n    --hash=sha256:0\nnumpy==2.4 ; python_version < '3.12'\n") == {
        "alembic": "1.2",
        "numpy": "2.4",
    }


def test_copy_leaves_out_what_belongs_to_the_developers_machine(tmp_path: Path) -> None:
    """`.env` holds secrets, and a virtual environment of another machine does not work."""
    project, target = tmp_path / "project", tmp_path / "target"
    for name in (
        ".env",
        ".env.production",
        ".envrc",
        ".venv/bin/python",
        ".git/HEAD",
        "src/shop/__pycache__/a.pyc",
        "src/shop/a.py",
        "data/b.csv",
    ):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x")
    (project / "src/shop/a.py").chmod(0o600)
    copy(project, target)
    # Runs have another user than the developer.
    assert (target / "src/shop/a.py").stat().st_mode & 0o777 == 0o644
    files = [path for path in target.rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(target)) for path in files) == ["data/b.csv", "src/shop/a.py"]
    assert {path.stat().st_mtime for path in target.rglob("*")} == {MODIFIED}


def test_check_python_names_both_versions_and_the_setting(tmp_path: Path) -> None:
    """An old project may not allow the Python of the image. Its location can have another image."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nrequires-python = ">=3.10,<3.11"\n')
    with pytest.raises(ProjectError) as caught:
        check_python(tmp_path)
    assert str(caught.value) == (
        f"the project requires Python >=3.10,<3.11, and its image has Python {platform.python_version()}: set PYTHON_IMAGE "
        "under build.args of its compose.yml to an image that fits, or widen requires-python"
    )


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        ("", "its lock is missing, or older than the list of its packages: `make up` writes it"),
        (f"# inputs: {'a' * 64}\n", "its lock is missing, or older than the list of its packages: `make up` writes it"),
        (f"# python: 2.7\n# inputs: {'b' * 64}\n", "its lock is not for Python"),
    ],
)
def test_install_rejects_a_lock_of_other_packages(lock: str, said: str) -> None:
    """Plain `docker compose build` does not write locks."""
    with pytest.raises(ProjectError, match=said):
        check(lock, "b" * 64)


LOCK = """# note: x
dagster==1.13.27 \\
    --hash=sha256:00
-e ./packages/a b
lib ; python_version >= '3.12'
helper @ file:///project/helper
shop @ https://files.example/shop-1-py3-none-any.whl \\
    --hash=sha256:00
.
"""


def test_lock_is_split_into_packages_of_an_index_and_packages_in_the_project() -> None:
    """A path in a lock has no hash. Uv once took the path `lib` for the name of a package of the index."""
    kept, paths = split(LOCK, Path("/project"))
    assert paths == ["packages/a b", "lib", "helper"]
    assert [line.split()[0] for line in kept.splitlines() if line[0] not in "# "] == ["dagster==1.13.27", "shop"]
    assert paths_in("\n".join(["# python: 3.13", *header(paths), kept])) == paths


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("../lib\n", "lies outside the project's folder: move the package into the project's folder"),
        ("lib @ file:///elsewhere/lib\n", "lies outside the project's folder"),
        ("lib @ git+https://example.org/lib@0123\n", "has no hash, as packages from Git have none: take a release, or move"),
    ],
)
def test_package_that_cannot_be_verified_or_copied_is_refused(entry: str, said: str) -> None:
    """The image would not have the first two. Nobody could tell whether the third is the same at the next build."""
    with pytest.raises(ProjectError, match=said):
        split(entry, Path("/project"))


@pytest.mark.parametrize(
    ("files", "changed"),
    [
        ({"pyproject.toml": '[tool.uv.sources]\nlib = { path = "lib" }\n'}, "lib/pyproject.toml"),
        ({"pyproject.toml": '[tool.uv.sources]\nlib = [{ path = "lib", marker = "x" }]\n'}, "lib/pyproject.toml"),
        ({"pyproject.toml": '[tool.uv.workspace]\nmembers = ["packages/*"]\n'}, "packages/a/pyproject.toml"),
        ({"pyproject.toml": "", "requirements.txt": "-e ./lib[excel]\n"}, "lib/setup.py"),
        ({"pyproject.toml": "", "requirements.txt": "-e lib\n"}, "lib/setup.py"),
        ({"requirements.txt": "-r more.txt\n", "more.txt": "./lib ; python_version > '3'\n"}, "lib/setup.py"),
    ],
)
def test_stamp_changes_with_the_files_of_a_local_package(tmp_path: Path, files: dict[str, str], changed: str) -> None:
    """The lock holds what the local package needs."""
    for name, text in {**files, changed: "a"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    before = stamp(tmp_path, [])
    (tmp_path / changed).write_text("b")
    assert stamp(tmp_path, []) != before
