"""Starts Dagster's own daemon after a check of the settings that Dagster would not explain."""

import os
import sys

from dagster_deployment.collecting import SERVICE, collect_seldom
from dagster_deployment.time_limits import check_run_limits, check_time_limits


def main() -> None:
    """Checks the settings, then becomes the daemon."""
    check_time_limits(os.environ)
    check_run_limits(os.environ)
    collect_seldom(SERVICE)
    # A bad setting is reported at once, not after a second of imports.
    from dagster._daemon.cli import main as dagster_daemon  # noqa: PLC0415

    from dagster_deployment.instance import apply_to_daemon  # noqa: PLC0415
    from dagster_services.daemon import late_events  # noqa: PLC0415
    from dagster_services.daemon.unchanged_code import keep_unchanged_code  # noqa: PLC0415
    from dagster_services.database.kept_connections import keep_connections  # noqa: PLC0415

    apply_to_daemon()
    keep_connections()
    keep_unchanged_code()
    late_events.mend()
    sys.argv[1:] = ["run", "--workspace", "workspace.yaml"]
    dagster_daemon()


if __name__ == "__main__":
    main()
