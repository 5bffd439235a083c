"""Sensors: one refreshes stale assets, one sends messages about failed runs."""

from pathlib import Path

import dagster as dg

from user_code import alerts

# An evaluation of these assets costs the daemon some 20 ms. An operator sees a change within two evaluations.
EVALUATION_SECONDS = 5

freshness_sensor = dg.AutomationConditionSensorDefinition(
    "freshness_sensor",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=EVALUATION_SECONDS,
    description="Refreshes what has become stale where data enters, then what the new data touches. Each asset says when.",
)


def build_run_failure_sensor(alert_urls_file: Path | None) -> dg.SensorDefinition:
    """A sensor that sends one message for each failed run, of any job or asset, to the addresses in a file."""

    @dg.run_failure_sensor(
        name="run_failure_sensor",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=EVALUATION_SECONDS,
        description="Sends one message for each failed run to the addresses in ALERT_URLS_FILE.",
    )
    def run_failure_sensor(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        # Read each time: an operator can change addresses without a restart.
        urls = alerts.read_urls(alert_urls_file)
        if not urls:
            context.log.info("Run %s of %s failed; nobody is told: ALERT_URLS_FILE holds no address", run.run_id, run.job_name)
            return
        title, body = alerts.failure_message(run.job_name, run.run_id, context.failure_event.message or "")
        alerts.send(urls, title, body)

    return run_failure_sensor
