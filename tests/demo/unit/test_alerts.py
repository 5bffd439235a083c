"""A failed run reaches the operator: one message to every address, or a line in the log where there is none."""

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
    """An address that Apprise can reach, and what arrived there."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/", received
    server.shutdown()
    thread.join()
    server.server_close()


def tell(instance: dg.DagsterInstance, alert_urls_file: Path | None) -> str:
    """Runs the job, then the sensor on its failure; gives the run's id."""
    result = failing_job.execute_in_process(instance=instance, raise_on_error=False)
    failure = next(event for event in result.all_events if event.is_run_failure)
    context = dg.build_run_status_sensor_context("run_failure_sensor", failure, instance, result.dagster_run).for_run_failure()
    build_run_failure_sensor(alert_urls_file)(context)
    return result.run_id


def test_a_failed_run_is_one_message_that_says_which_and_why(inbox: tuple[str, list], tmp_path: Path) -> None:
    """Title, run and reason are what an operator acts on."""
    url, received = inbox
    addresses = tmp_path / "alert_urls"
    addresses.write_text(f"# The team.\n\n{url}\n")
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = tell(instance, addresses)
    assert [message["title"] for message in received] == ["Dagster: failing_job failed"]
    assert received[0]["message"].startswith(f"Run {run_id}\n")
    assert "fails" in received[0]["message"]


def test_every_address_is_told(inbox: tuple[str, list]) -> None:
    """Separated by commas or white space."""
    url, received = inbox
    send(f"{url}, {url}other", "title", "body")
    assert [message["message"] for message in received] == ["body", "body"]


def test_nobody_is_told_without_an_address(capfd: pytest.CaptureFixture[str]) -> None:
    """The log says so."""
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = tell(instance, None)
    said = f"Run {run_id} of failing_job failed; nobody is told: ALERT_URLS_FILE holds no address"
    assert said in capfd.readouterr().err


def test_an_address_that_is_none_is_an_error_that_does_not_show_it() -> None:
    """It may hold a token."""
    with pytest.raises(AlertError, match="ALERT_URLS_FILE holds an address that Apprise does not understand") as caught:
        send("carrier-pigeon", "title", "body")
    assert "pigeon" not in str(caught.value)


def test_an_address_that_does_not_answer_is_an_error() -> None:
    """The sensor's tick fails, and is seen in the UI."""
    with pytest.raises(AlertError, match="did not take the message"):
        send("json://127.0.0.1:1/", "title", "body")


def test_a_file_that_is_gone_is_an_error_by_its_name(tmp_path: Path) -> None:
    """It was there at the start, or the code server would not have started."""
    with pytest.raises(AlertError, match=r"ALERT_URLS_FILE is '.*gone', which cannot be read"):
        read_urls(tmp_path / "gone")


def test_a_long_reason_is_cut() -> None:
    """No channel takes a stack trace of pages."""
    assert len(failure_message("job", "run", "x" * 10_000)[1]) == 1500
