"""The dashboard for Grafana: `python -m scripts.dashboard` writes docker/monitoring/dashboard.json anew."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, Row
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.timeseries import Panel as Chart
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from operate.compose import ROOT

FILE = ROOT / "docker/monitoring/dashboard.json"
# Whoever imports the dashboard chooses a Prometheus.
SOURCE = DataSourceRef(type_val="prometheus", uid="${prometheus}")


@dataclass(frozen=True)
class Panel:
    """A chart: its title, its query, the text for each of its lines, and its unit by Grafana's name."""

    title: str
    query: str
    legend: str
    unit: str = "short"


ROWS: dict[str, list[Panel]] = {
    "Runs": [
        Panel("Runs under way", "sum by (status) (dagster_active_runs)", "{{status}}"),
        Panel("Runs that ended, in an hour", "sum by (status) (increase(dagster_completed_runs_total[1h]))", "{{status}}"),
        Panel(
            "Duration of runs",
            "histogram_quantile(0.95, sum by (le, job_name) (rate(dagster_run_duration_seconds_bucket[1h])))",
            "95 % of {{job_name}}",
            "s",
        ),
        Panel(
            "From launch to start",
            "histogram_quantile(0.95, sum by (le, location) (rate(dagster_run_launch_delay_seconds_bucket[1h])))",
            "95 % in {{location}}",
            "s",
        ),
    ],
    "Assets": [
        Panel(
            "Age of the last materialization",
            "time() - dagster_asset_last_materialization_timestamp_seconds",
            "{{asset_key}}",
            "s",
        ),
        Panel("Assets by freshness", "count by (state) (dagster_asset_freshness_state)", "{{state}}"),
        Panel("Checks that fail", "sum(dagster_asset_check_failed)", "checks"),
    ],
    "Schedules, sensors, daemons": [
        Panel(
            "Ticks in an hour",
            'sum by (status) (increase({__name__=~"dagster_(schedule|sensor)_ticks_total"}[1h]))',
            "{{status}}",
        ),
        Panel("Age of heartbeats", "time() - dagster_daemon_last_heartbeat_timestamp_seconds", "{{daemon_type}}", "s"),
    ],
    "Services": [
        Panel("Services that are not healthy", "sum(1 - dagster_service_healthy)", "services"),
        Panel("Restarts by Docker, in an hour", "sum by (service) (increase(dagster_service_restarts_total[1h]))", "{{service}}"),
        Panel(
            "Requests to the launch gateway, in an hour",
            "sum by (verdict) (increase(dagster_gateway_requests_total[1h]))",
            "{{verdict}}",
        ),
    ],
    "Storage": [
        Panel("Database", "dagster_database_size_bytes", "size", "bytes"),
        Panel("Free part of the disk", "dagster_disk_free_bytes / dagster_disk_size_bytes", "free", "percentunit"),
        Panel(
            "Connections",
            "sum by (job) (pgbouncer_pools_server_active_connections + pgbouncer_pools_server_idle_connections)",
            "{{job}}",
        ),
    ],
}


def panels() -> list[Panel]:
    """All panels."""
    return [panel for row in ROWS.values() for panel in row]


def chart(panel: Panel) -> Chart:
    """A panel, as Grafana has it."""
    query = Dataquery().expr(panel.query).legend_format(panel.legend).ref_id("A")
    return Chart().title(panel.title).unit(panel.unit).datasource(SOURCE).span(8).height(8).with_target(query)


def text() -> str:
    """The dashboard as JSON."""
    made = Dashboard("Dagster").uid("dagster").tags(["dagster"]).time("now-6h", "now").refresh("30s")
    made = made.with_variable(DatasourceVariable("prometheus").type("prometheus"))
    for title, row in ROWS.items():
        made = made.with_row(Row(title))
        for panel in row:
            made = made.with_panel(chart(panel))
    return f"{JSONEncoder(sort_keys=True, indent=2).encode(made.build())}\n"


if __name__ == "__main__":
    FILE.write_text(text())
