"""These drills have a copy of the deployment with metrics and backups. Its rules have shorter times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from operate.compose import ROOT, free_port
from operate.overlays import BACKUP, BASE, MONITORING
from tests.drills.alerts.test_alerts import gateway
from tests.drills.monitoring.prometheus import Prometheus
from tests.inbox import Inbox
from tests.stack.conftest import CODE, PROJECT, SETTINGS, VARIABLES, Stack, copy_of_the_deployment, still
from tests.stack.hosting import overlay

__all__ = ["still"]
# The times of DaemonSilent are real. A disk cannot be filled here: other tests use it.
SHORTER = {
    "for: 2m": "for: 10s",
    "for: 5m": "for: 10s",
    "for: 10m": "for: 10s",
    '{status="queued"} > 900': '{status="queued"} > 20',
    '{status="started"} > 86400': '{status="started"} > 20',
    # Later than DaemonSilent, as the real one.
    "> 300 + 3 * dagster": "> 130 + 0 * dagster",
    '{kind="wal"} > 600': '{kind="wal"} > 90',
    "< 0.15 * dagster_disk": "< 0.99 * dagster_disk",
}


def shorter_rules() -> str:
    """Returns the shipped rules, with the times of `SHORTER`."""
    text = (ROOT / "docker/monitoring/rules.yml").read_text()
    for long, short in SHORTER.items():
        assert long in text, long
        text = text.replace(long, short)
    return text


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yields the copy, with the code location of the stack tests."""
    folder = tmp_path_factory.mktemp("monitoring")
    for name in ("addresses", "dead_man"):
        (folder / name).write_text("# none\n")
    (folder / "rules.yml").write_text(shorter_rules())
    rules = {"prometheus": {"volumes": [f"{folder / 'rules.yml'}:/etc/monitoring/rules.yml:ro"]}}
    (folder / "rules_overlay.yml").write_text(json.dumps({"services": rules}))
    code = overlay(CODE, tmp_path_factory.mktemp("code_location"), environment=VARIABLES)
    settings = {
        **SETTINGS,
        "COMPOSE_FILE": f"{BASE}:{BACKUP}:{MONITORING}:{code}:{folder / 'rules_overlay.yml'}",
        "ALERT_URLS_FILE": str(folder / "addresses"),
        "DEAD_MAN_URL_FILE": str(folder / "dead_man"),
        "PROMETHEUS_PORT": str(free_port()),
        "ALERTMANAGER_PORT": str(free_port()),
    }
    with copy_of_the_deployment(PROJECT, request.session, settings) as stack:
        yield stack


@pytest.fixture
def prometheus(still: Stack) -> Prometheus:
    """Returns the copy's Prometheus."""
    return Prometheus(int(still.environ["PROMETHEUS_PORT"]), int(still.environ["ALERTMANAGER_PORT"]))


@pytest.fixture
def inbox(still: Stack) -> Iterator[Inbox]:
    """Yields the channel of alerts, which is the dead man's switch too."""
    inbox = Inbox(gateway(still))
    files = {
        Path(still.environ[name]): url for name, url in (("ALERT_URLS_FILE", inbox.url), ("DEAD_MAN_URL_FILE", inbox.switch))
    }
    for file, url in files.items():
        file.write_text(f"{url}\n")
    yield inbox
    for file in files:
        file.write_text("# none\n")
    inbox.close()
