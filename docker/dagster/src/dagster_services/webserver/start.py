"""The webserver, with a guard against other sites. It has no login, so it refuses a published address beyond loopback."""

import ipaddress
import os
import sys

from dagster_deployment.collecting import SERVICE, collect_seldom
from dagster_deployment.time_limits import check_run_limits, check_time_limits
from dagster_services.webserver.same_origin import App, guarded, unframed

PORT = "3000"


def check_bind(address: str) -> None:
    """Ends with one sentence if `address`, the host's side of the published port, is not loopback.

    Raises:
        SystemExit: it is not loopback.
    """
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        sys.exit(
            f"WEBSERVER_BIND is set to '{address}', which is not allowed: the webserver has no login, so it is published on "
            "127.0.0.1 only. Correct it in .env, or put the login in front of it: make up EDGE=1."
        )


def main() -> None:
    """Passes options such as --read-only on to `dagster-webserver`."""
    check_bind(os.environ.get("WEBSERVER_BIND", ""))
    check_time_limits(os.environ)
    check_run_limits(os.environ)
    collect_seldom(SERVICE)
    # A bad setting is reported at once, not after a second of imports.
    import uvicorn  # noqa: PLC0415
    from dagster_webserver.cli import main as dagster_webserver  # noqa: PLC0415

    from dagster_deployment import stopping  # noqa: PLC0415
    from dagster_services.database.kept_connections import keep_connections  # noqa: PLC0415
    from dagster_services.webserver.answers import make_answers_encodable  # noqa: PLC0415
    from dagster_services.webserver.audit import audited, tell  # noqa: PLC0415
    from dagster_services.webserver.bounded_events import bound_events, counted  # noqa: PLC0415
    from dagster_services.webserver.compute_logs import guard_compute_logs  # noqa: PLC0415
    from dagster_services.webserver.lost_connections import tell_lost_connections  # noqa: PLC0415
    from dagster_services.webserver.viewers import let_viewers_look_only  # noqa: PLC0415

    mends = (make_answers_encodable, bound_events, guard_compute_logs, let_viewers_look_only, tell_lost_connections)
    for prepare in (tell, keep_connections, *mends):
        prepare()
    if "DOCKER_HOST" in os.environ:
        # Runs are containers, and the launcher can stop them while they start.
        stopping.make_possible_while_starting()
    listen_on = os.environ["LISTEN_ON"]
    hosts = ["localhost", listen_on, *os.environ.get("WEBSERVER_HOSTS", "").split()]
    behind_edge = bool(os.environ.get("BEHIND_EDGE"))
    serve = uvicorn.run

    def behind_guard(app: App) -> App:
        return unframed(guarded(audited(counted(app), behind_edge=behind_edge), hosts))

    # dagster-webserver has no option for middleware.
    uvicorn.run = lambda app, *arguments, **options: serve(behind_guard(app), *arguments, **options)
    sys.argv[1:1] = ["--host", listen_on, "--port", PORT, "--workspace", "workspace.yaml"]
    dagster_webserver()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
