"""A failed run sends one message to every address, or logs a line if there is no address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from user_code.alerts import AlertError, failure_message, read_urls, send
from user_code.defs.sensors import build_run_failure_sensor


@dg.op
def fails() -> None:
    raise ValueError("record 3 lacks the field 'email'")


@dg.job
def failing_job() -> None:
    fails()


@pytest.fixture
def inbox() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yields an address that Apprise can reach, and the messages that arrive there."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Writes no log line."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/", received
    server.shutdown()
    thread.join()
    server.server_close()


def run_job_and_failure_sensor(instance: dg.DagsterInstance, alert_urls_file: Path | None) -> str:
    """Runs the failing job and then the sensor, and returns the id of the run."""
    result = failing_job.execute_in_process(instance=instance, raise_on_error=False)
    failure = next(event for event in result.all_events if event.is_run_failure)
    context = dg.build_run_status_sensor_context("run_failure_sensor", failure, instance, result.dagster_run).for_run_failure()
    build_run_failure_sensor(alert_urls_file)(context)
    return result.run_id


def test_sensor_sends_one_message_with_run_and_reason(inbox: tuple[str, list], tmp_path: Path) -> None:
    """The operator needs title, run and reason to act."""
    url, received = inbox
    addresses = tmp_path / "alert_urls"
    addresses.write_text(f"# The team.\n\n{url}\n")
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = run_job_and_failure_sensor(instance, addresses)
    assert [message["title"] for message in received] == ["Dagster: failing_job failed"]
    assert received[0]["message"].startswith(f"Run {run_id}\n")
    assert "fails" in received[0]["message"]


def test_send_reaches_every_address(inbox: tuple[str, list]) -> None:
    """Operators separate addresses with commas or white space."""
    url, received = inbox
    send(f"{url}, {url}other", "title", "body")
    assert [message["message"] for message in received] == ["body", "body"]


def test_sensor_logs_a_failed_run_if_there_is_no_address(capfd: pytest.CaptureFixture[str]) -> None:
    """An operator without alerts must find the failure in the log."""
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = run_job_and_failure_sensor(instance, None)
    said = f"Run {run_id} of failing_job failed; nobody is told: ALERT_URLS_FILE holds no address"
    assert said in capfd.readouterr().err


def test_send_rejects_an_invalid_address_and_does_not_print_it() -> None:
    """An address may hold a token."""
    with pytest.raises(AlertError, match="ALERT_URLS_FILE holds an address that Apprise does not understand") as caught:
        send("carrier-pigeon", "title", "body")
    assert "pigeon" not in str(caught.value)


def test_send_raises_an_error_if_an_address_does_not_answer() -> None:
    """The tick of the sensor then fails, and the UI shows it."""
    with pytest.raises(AlertError, match="did not take the message"):
        send("json://127.0.0.1:1/", "title", "body")


def test_read_urls_names_a_missing_file(tmp_path: Path) -> None:
    """The file existed at the start, because the code server would not have started without it."""
    with pytest.raises(AlertError, match=r"ALERT_URLS_FILE is '.*gone', which cannot be read"):
        read_urls(tmp_path / "gone")


def test_failure_message_cuts_a_long_reason() -> None:
    """Message channels do not accept a stack trace of several pages."""
    assert len(failure_message("job", "run", "x" * 10_000)[1]) == 1500
