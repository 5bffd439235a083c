"""Dagster reads the shipped dagster.yaml and workspace.yaml, and uses a real Postgres."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
from alembic.script import ScriptDirectory
from dagster._core import storage as dagster_storage
from dagster._core.instance.ref import InstanceRef
from dagster._core.workspace.load import location_origins_from_yaml_paths

from operate.compose import ROOT
from scripts.compose_text import compose_file
from tests.integration.conftest import migrate
from tests.integration.databases import asking


def test_dagster_applies_the_settings_of_the_shipped_dagster_yaml(in_environment: dict[str, str]) -> None:
    """Dagster ignores unknown settings, so the test reads the settings that Dagster has applied."""
    with dg.DagsterInstance.from_config(str(ROOT)) as instance:
        launcher = instance.get_ref().run_launcher_data
        coordinator = instance.run_coordinator
        settings = instance.get_settings("run_monitoring"), instance.get_settings("run_retries")
        concurrency = instance.get_concurrency_config().run_queue_config
        assert launcher
        assert (launcher.module_name, launcher.class_name) == (
            "dagster_services.launcher.run_launcher",
            "DeploymentRunLauncher",
        )
        assert coordinator.dequeue_interval_seconds == 0.5
        assert concurrency
        assert concurrency.max_concurrent_runs == 3
        assert settings[0]["enabled"]
        assert settings[1] == {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False}
        assert instance.telemetry_enabled is False
        assert instance.freshness_enabled is True
        assert instance.run_storage.__class__.__name__ == "PostgresRunStorage"
        assert instance.get_ref().run_launcher_data.rehydrate().container_kwargs == {"stop_timeout": 7}


def test_instance_reference_holds_no_password_and_no_resolved_host(in_environment: dict[str, str]) -> None:
    """The command line of every run holds this reference, so a password in it would be visible."""
    ref = InstanceRef.from_dir(str(ROOT))
    text = str(ref.storage_data)
    assert "env: DAGSTER_POSTGRES_HOST" in text
    assert "password" not in text


def test_migrate_upgrades_the_database_of_an_older_release(migrated: dict[str, str], in_environment: dict[str, str]) -> None:
    """A new release of Dagster needs its own tables. Here the database names the version of the release before."""
    with dg.DagsterInstance.from_config(str(ROOT)) as instance:
        storages = (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
        _, head = instance.run_storage.alembic_version()
        before = ScriptDirectory(str(Path(dagster_storage.__file__).parent / "alembic")).get_revision(head).down_revision
        with asking(migrated, "dagster", "dagster") as cursor:
            cursor.execute("UPDATE alembic_version SET version_num = %s", (before,))
        assert [storage.alembic_version() for storage in storages] == [(before, head)] * 3
        migrate(migrated)
        assert [storage.alembic_version() for storage in storages] == [(head, head)] * 3


def test_migrate_leaves_out_what_this_version_has_done(migrated: dict[str, str]) -> None:
    """Each start waits for it, and an import of Dagster takes most of its time. Another version may have more to do."""
    program = "import sys; from dagster_services.database import migrate; migrate.main(); print('dagster' in sys.modules)"

    def imports_dagster() -> str:
        return subprocess.run([sys.executable, "-c", program], env=migrated, check=True, capture_output=True, text=True).stdout

    assert imports_dagster() == "False\n"
    with asking(migrated, "dagster", "dagster") as cursor:
        cursor.execute("SELECT obj_description('alembic_version'::regclass)")
        ((done,),) = cursor.fetchall()
        assert done.startswith(f"migrated by Dagster {dg.__version__}, revision ")
        cursor.execute("COMMENT ON TABLE alembic_version IS %s", [done.replace(dg.__version__, "1.0")])
    assert imports_dagster().splitlines()[-1] == "True"
    assert imports_dagster() == "False\n"


def test_workspace_names_host_and_port_of_the_code_server() -> None:
    """Webserver and daemon connect to this Compose service."""
    for origin in location_origins_from_yaml_paths([str(ROOT / "workspace.yaml")]):
        assert (origin.host, origin.port) == (origin.location_name, 4000)
        assert origin.host in compose_file(f"locations/{origin.host}/compose.yml")["services"]
