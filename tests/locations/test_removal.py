"""A code location with a mistake leaves the others working. A removed one leaves its data."""

from __future__ import annotations

import subprocess

import pytest

from dagster_api.workspace import load_errors
from tests.locations.house import PROJECT, House

pytestmark = pytest.mark.timeout(600)


def test_location_that_does_not_load_leaves_the_others_working(house: House) -> None:
    """`make up`, `make smoke` and `docker compose ps` name the location. The UI shows its error."""
    file = house.projects / "catalog/catalog/definitions.py"
    before = file.read_text()
    file.write_text(f"{before}\nraise RuntimeError('no such table')\n")
    try:
        refused = house.make("up")
        assert refused.returncode != 0
        assert "up: catalog does not load: RuntimeError: no such table\nEverything else runs." in refused.stderr
        assert "no such table" in (load_errors(house.url)["catalog"] or "")
        said = house.make("smoke").stdout.splitlines()
        assert [line for line in said if line.startswith("FAIL services are healthy: catalog is running")] != []
        assert [line for line in said if line.startswith("FAIL code location catalog: ")] != []
        loaded = {line.split(":")[0] for line in said if line.startswith("PASS code location ")}
        assert loaded == {f"PASS code location {name}" for name in ("analytics", "legacy", "reports", "user_code")}
        # The jobs of the other locations.
        assert {line.split()[0] for line in said if " succeeds: " in line or " no run was launched" in line} <= {"PASS", "SKIP"}
    finally:
        file.write_text(before)
        house.made("up")
    assert load_errors(house.url)["catalog"] is None


def test_removed_location_leaves_the_ui_and_keeps_its_data(house: House) -> None:
    """A team may come back, so only a person removes the volumes."""
    said = house.made("location", "NAME=catalog", "REMOVE=1")
    assert f"docker volume rm {PROJECT}_catalog_data" in said
    house.made("up")
    assert "catalog" not in load_errors(house.url)
    listed = subprocess.run(["docker", "volume", "ls", "--quiet"], text=True, capture_output=True, check=True).stdout.split()
    assert f"{PROJECT}_catalog_data" in listed
    assert "catalog" not in (house.folder / "workspace.yaml").read_text() + (house.folder / "locations/compose.yml").read_text()
    assert not (house.folder / "locations/catalog").exists()


def test_location_that_is_added_while_all_runs_keeps_its_outputs_in_postgres(house: House) -> None:
    """Its database role is new. PgBouncer reads roles at its start, and must hear of it."""
    with (house.folder / ".env").open("a") as settings:
        settings.write("OUTPUT_STORE=postgres\n")
    house.made("location", "NAME=later", "FROM=../catalog")
    house.made("up")
    client = house.client("later")
    ended = client.wait(client.launch("tick_job"))
    assert ended.status == "SUCCESS", client.story(ended.run_id)
    query = "SELECT count(*) > 0 FROM outputs.part WHERE location = 'outputs_later'"
    psql = ("psql", "--username=postgres", "--dbname=dagster", "--no-align", "--tuples-only", "--command", query)
    assert house.compose("exec", "-T", "postgres", *psql).strip() == "t"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("NAME=shop", "FROM=../nowhere"), "there is no folder "),
        (("NAME=shop",), "where is the project? make location NAME=shop FROM=../shop"),
        (("NAME=Shop", "FROM=../catalog"), "the name 'Shop' is not allowed"),
        (("NAME=postgres", "FROM=../catalog"), "the name 'postgres' is not allowed: a service or an image"),
        (("NAME=nothing", "REMOVE=1"), "there is no code location 'nothing'"),
    ],
)
def test_location_refuses_wrong_arguments_and_changes_nothing(house: House, arguments: tuple[str, ...], said: str) -> None:
    """The text of the deployment is in Git."""
    files = ("workspace.yaml", "locations/compose.yml")
    before = [(house.folder / file).read_text() for file in files]
    refused = house.make("location", *arguments)
    assert refused.returncode != 0
    assert refused.stderr.startswith(f"location: {said}"), refused.stderr
    assert [(house.folder / file).read_text() for file in files] == before


def write_project(house: House, name: str, needed: str, more: str = "") -> None:
    """Writes a project of one package, which needs `needed`. `more` is added to its pyproject.toml."""
    (house.projects / name).mkdir()
    (house.projects / name / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "0"\ndependencies = [{needed}]\n[tool.dagster]\nmodule_name = "{name}"\n{more}'
    )


def test_project_that_cannot_be_installed_is_refused_with_the_reason(house: House) -> None:
    """Once, the image was built all the same, and its code server failed with another error."""
    backend = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "no_such_backend"\n'
    write_project(house, "uninstallable", '"dagster"', backend)
    house.made("location", "NAME=uninstallable", "FROM=../uninstallable")
    try:
        refused = house.make("deploy", "NAME=uninstallable")
        assert refused.returncode != 0
        assert refused.stderr.startswith("deploy: uv pip install failed: "), refused.stderr
        assert "no_such_backend" in refused.stderr
    finally:
        house.made("location", "NAME=uninstallable", "REMOVE=1")


def test_location_with_packages_that_do_not_fit_is_refused_with_uvs_reason(house: House) -> None:
    """Uv names the requirement. Nothing of the location may remain."""
    write_project(house, "unfitting", '"dagster", "sqlalchemy>=2.1"')
    refused = house.make("location", "NAME=unfitting", "FROM=../unfitting")
    assert refused.returncode != 0
    assert "the packages in pyproject.toml cannot be resolved together with Dagster 1.13.27" in refused.stderr
    assert "sqlalchemy>=2.1" in refused.stderr
    assert not (house.folder / "locations/unfitting").exists()
    assert "unfitting" not in (house.folder / "workspace.yaml").read_text()
