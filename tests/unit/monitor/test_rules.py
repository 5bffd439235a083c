"""The rules of Prometheus and the runbook belong together."""

from __future__ import annotations

import re

import yaml

from operate.compose import ROOT
from scripts.dashboard import FILE, text

RULES = [
    rule
    for group in yaml.safe_load((ROOT / "docker/monitoring/rules.yml").read_text())["groups"]
    for rule in group["rules"]
    if rule["alert"] != "Watchdog"
]
RUNBOOK = (ROOT / "docs/runbook.md").read_text()


def test_each_alert_links_to_its_section() -> None:
    """Whoever is woken by an alert needs the first command."""
    sections = re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)
    assert list(dict.fromkeys(rule["alert"] for rule in RULES)) == sections
    assert len(sections) == 14
    for rule in RULES:
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_each_metric_of_a_rule_exists() -> None:
    """A rule about a metric that nobody writes never fires."""
    shipped = "".join(
        (ROOT / f"docker/dagster/src/dagster_services/monitor/{name}.py").read_text() for name in ("gauges", "totals")
    )
    named = {name for rule in RULES for name in re.findall(r"dagster_(\w+)", rule["expr"])}
    unknown = {
        name
        for name in named
        if name.removesuffix("_total") not in shipped and re.sub(r"^(schedule|sensor)_", "{kind}_", name) not in shipped
    }
    assert unknown == set()


def test_dashboard_is_the_one_that_its_program_writes() -> None:
    """Somebody may edit the JSON by hand."""
    assert FILE.read_text() == text()


def seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]


def test_dead_mans_switch_is_asked_each_minute() -> None:
    """Alertmanager left out every other notification when the two intervals were equal."""
    (route,) = yaml.safe_load((ROOT / "docker/monitoring/alertmanager.yml").read_text())["route"]["routes"]
    assert seconds(route["repeat_interval"]) < seconds(route["group_interval"]) == 60
