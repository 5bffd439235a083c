"""The webserver shows every run, whatever the run has written, and continues to answer."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events.log import EventLogEntry

from tests.integration.webserver import Webserver

pytestmark = pytest.mark.timeout(300)
HALF = os.fsdecode(b"caf\xe9")
LOGS = """query($run: ID!, $after: String, $limit: Int) {logsForRun(runId: $run, afterCursor: $after, limit: $limit) {
    ... on EventConnection {cursor hasMore events {... on MessageEvent {message}
        ... on DisplayableEvent {metadataEntries {label ... on TextMetadataEntry {text} ... on FloatMetadataEntry {floatValue}
            ... on TableMetadataEntry {table {records}}}}}}}}"""
FOLLOW = """subscription($run: ID!) {pipelineRunLogs(runId: $run) {
    ... on PipelineRunLogsSubscriptionSuccess {hasMorePastEvents messages {... on MessageEvent {message}}}}}"""


@pytest.fixture
def instance(in_environment: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    """Yields an instance to which the tests write runs. Other tests share its database."""
    with dg.DagsterInstance.get() as instance:
        yield instance
        for run_id in instance.get_run_ids():
            instance.delete_run(run_id)


def write_lines(instance: dg.DagsterInstance, run_id: str, *lines: str) -> None:
    """Writes lines as a run logs them."""
    instance.add_run(dg.DagsterRun(job_name="j", run_id=run_id))
    for line in lines:
        instance.store_event(EventLogEntry(None, 20, line, run_id, 1.0))


def messages(running: Webserver, run_id: str, **options: Any) -> list[str]:
    """Returns the messages of the first page of a run."""
    found = running.ask(LOGS, run=run_id, **options)["logsForRun"]["events"]
    return [event["message"] for event in found]


@dg.asset
def odd(context) -> dg.MaterializeResult:
    """Logs and returns values that Python allows and JSON does not."""
    context.log.info("a %s", HALF)
    context.log.info("nothing \0 here")
    table = dg.MetadataValue.table([dg.TableRecord({"x": float("nan"), "y": HALF})])
    return dg.MaterializeResult(metadata={"text": HALF, "nan": float("nan"), HALF: float("-inf"), "many": 10**30, "table": table})


def test_run_page_shows_values_that_json_does_not_allow(running: Webserver, instance: dg.DagsterInstance) -> None:
    """The UI shows half a character as a replacement character, and a float that JSON lacks as null."""
    run_id = dg.materialize([odd], instance=instance).run_id
    said = messages(running, run_id)
    assert "a caf\N{REPLACEMENT CHARACTER}" in said
    assert "nothing \0 here" in said
    events = running.ask(LOGS, run=run_id)["logsForRun"]["events"]
    told = {entry.pop("label"): entry for event in events for entry in event.get("metadataEntries", [])}
    assert told["text"] == {"text": "caf\N{REPLACEMENT CHARACTER}"}
    assert told["table"] == {"table": {"records": ['{"x": NaN, "y": "caf\\udce9"}']}}
    assert told["nan"] == told["caf\N{REPLACEMENT CHARACTER}"] == {"floatValue": None}
    first = next(running.followed(FOLLOW, run=run_id))["data"]["pipelineRunLogs"]["messages"]
    assert [event["message"] for event in first] == said


POOLS = "{instance {concurrencyLimits {concurrencyKey slotCount}}}"


def test_ui_sets_the_limit_of_a_pool(running: Webserver) -> None:
    """Dagster sends `SELECT true` there. Its column has no name, so the size limit of events once failed."""
    try:
        assert running.ask('mutation {setConcurrencyLimit(concurrencyKey: "oven", limit: 2)}') == {"setConcurrencyLimit": True}
        assert running.ask(POOLS) == {"instance": {"concurrencyLimits": [{"concurrencyKey": "oven", "slotCount": 2}]}}
    finally:
        running.ask('mutation {deleteConcurrencyLimit(concurrencyKey: "oven")}')


RUN_ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def run_with_large_lines(instance: dg.DagsterInstance) -> str:
    """Returns the id of a run with forty lines of 2.4 MB."""
    write_lines(instance, RUN_ID, *(f"{number} " + "x" * 2_400_000 for number in range(40)))
    return RUN_ID


def test_webserver_shortens_pages_of_large_lines_and_loses_none(running: Webserver, run_with_large_lines: str) -> None:
    """A page of 8 MiB holds three such lines. The client must get the others with its cursor."""
    before, pages, after = running.megabytes(), [], None
    while True:
        page = running.ask(LOGS, run=run_with_large_lines, after=after)["logsForRun"]
        pages.append([event["message"][:2].strip() for event in page["events"]])
        after = page["cursor"]
        if not page["hasMore"]:
            break
    assert pages == [[str(number) for number in range(first, min(first + 3, 40))] for first in range(0, 40, 3)]
    followed = running.followed(FOLLOW, run=run_with_large_lines)
    parts = [next(followed)["data"]["pipelineRunLogs"] for _ in range(14)]
    assert [len(part["messages"]) for part in parts] == [3] * 13 + [1]
    assert [part["hasMorePastEvents"] for part in parts] == [True] * 13 + [False]
    assert running.megabytes() < before + 150


def test_webserver_replaces_a_too_large_line_with_its_location(running: Webserver, instance: dg.DagsterInstance) -> None:
    """The UI must still show the lines before and after it."""
    write_lines(instance, RUN_ID, "before", "x" * 2**23, "behind")
    said, after = [], None
    for limit in (1, 1, None):
        page = running.ask(LOGS, run=RUN_ID, after=after, limit=limit)["logsForRun"]
        said += [event["message"] for event in page["events"]]
        after = page["cursor"]
    large = instance.get_records_for_run(RUN_ID).records[1]
    size = len(instance.event_log_storage.get_event_log_table_data(RUN_ID, large.storage_id).event)
    where = f"the whole of it is in the database of Dagster, table event_logs, id {large.storage_id}."
    assert said == ["before", f"This event has {size:,} bytes, and 8,388,608 can be shown: {where}", "behind"]


def test_webserver_rejects_a_debug_file_that_is_too_large(running: Webserver, run_with_large_lines: str) -> None:
    """The debug file of a run holds all its events. The webserver must still answer other clients."""
    answer = running.get(f"/download_debug/{run_with_large_lines}")
    assert answer.status_code == 413
    assert re.fullmatch(
        r"These events have 96,[0-9,]+ bytes, and 67,108,864 are read at once: ask for fewer at a time.\n", answer.text
    )
    assert running.get("/server_info").ok


def test_webserver_limits_the_events_of_one_request(running: Webserver, run_with_large_lines: str) -> None:
    """One request can ask twenty times for a page of 7.2 MB."""
    page = f'logsForRun(runId: "{run_with_large_lines}") {{... on EventConnection {{cursor}} ... on PythonError {{message}}}}'
    before = running.megabytes()
    answer = running.answer("{" + " ".join(f"a{number}: {page}" for number in range(20)) + "}")
    assert "67,108,864 are read at once: ask for fewer at a time." in answer.text
    assert running.megabytes() < before + 400


CAPTURED = "query($key: [String!]!, $limit: Int) {capturedLogs(logKey: $key, limit: $limit) {stdout stderr cursor}}"
CAPTURED_LIVE = "subscription($key: [String!]!, $after: String) {capturedLogs(logKey: $key, cursor: $after) {stdout cursor}}"


def log_file(running: Webserver, *names: str) -> Path:
    """Returns the path of the file to which a run writes its output, and creates its folder."""
    file = running.logs.joinpath(*names)
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def test_webserver_reads_a_sparse_file_in_small_pieces(running: Webserver) -> None:
    """A sparse file of 5 GiB costs its writer nothing, and must not fill the memory of the webserver."""
    with log_file(running, "sparse", "compute_logs", "step.out").open("wb") as file:
        file.truncate(5 * 2**30)
    log_file(running, "sparse", "compute_logs", "step.complete").touch()
    before, key = running.megabytes(), ["sparse", "compute_logs", "step"]
    for limit in (None, 10**9, -1):
        told = running.ask(CAPTURED, key=key, limit=limit)["capturedLogs"]
        assert (told["stdout"], told["stderr"], told["cursor"]) == ("\0" * 2**22, None, f"{2**22}:0")
    parts = [part["data"]["capturedLogs"] for part in running.followed(CAPTURED_LIVE, key=key)]
    assert [len(part["stdout"]) for part in parts] == [2**20] * 6
    assert parts[-1]["cursor"] == f"{5 * 2**30}:0"
    with running.get("/logs/sparse/compute_logs/step/out", stream=True) as answer:
        assert answer.headers["Content-Length"] == str(5 * 2**30)
        assert next(answer.iter_content(2**20)) == bytes(2**20)
    assert running.megabytes() < before + 150


def test_webserver_shows_and_downloads_output_that_is_not_utf_8(running: Webserver) -> None:
    """User code can print any bytes. Dagster chooses the name of the downloaded file."""
    log_file(running, "bytes", "compute_logs", "step.err").write_bytes(b"caf\xe9\0\n")
    told = running.ask(CAPTURED, key=["bytes", "compute_logs", "step"])["capturedLogs"]
    assert told == {"stdout": None, "stderr": "caf\N{REPLACEMENT CHARACTER}\0\n", "cursor": "0:6"}
    answer = running.get("/logs/bytes/compute_logs/step/err")
    assert (answer.content, answer.headers["Content-Disposition"]) == (
        b"caf\xe9\0\n",
        "attachment; filename*=utf-8''bytes__compute_logs__step.err",
    )


def test_subscription_follows_a_log_until_it_is_complete(running: Webserver) -> None:
    """A user who watches a run must see each piece of its output once."""
    file = log_file(running, "grows", "compute_logs", "step.out")
    file.write_text("one")
    followed = running.followed(CAPTURED_LIVE, key=["grows", "compute_logs", "step"])
    assert next(followed)["data"]["capturedLogs"] == {"stdout": "one", "cursor": "3:0"}
    with file.open("a") as more:
        more.write("two")
    file.with_suffix(".complete").touch()
    assert [part["data"]["capturedLogs"] for part in followed] == [{"stdout": "two", "cursor": "6:0"}]


def test_every_answer_forbids_frames(running: Webserver) -> None:
    """A foreign page could make a user click in a frame. Refusals forbid frames too, and Dagster's own policy stays."""
    for path, headers in (("/", {}), ("/server_info", {}), ("/", {"Host": "evil.example"}), ("/logs/none/out", {})):
        answer = running.get(path, headers=headers)
        assert answer.headers["X-Frame-Options"] == "DENY", path
        policies = answer.headers["Content-Security-Policy"].split(", ")
        assert policies[-1] == "frame-ancestors 'none'", path
    assert (
        running.get("/").headers["Content-Security-Policy"].startswith("base-uri 'none'; object-src 'none'; script-src 'nonce-")
    )


def test_webserver_shows_no_linked_file_or_pipe(running: Webserver, tmp_path: Path) -> None:
    """A run could link to a secret file. Links, linked folders and pipes count as missing."""
    (tmp_path / "step.out").write_text("secret")
    folder = log_file(running, "links", "compute_logs", "step.out").parent
    (folder / "step.out").symlink_to(tmp_path / "step.out")
    (folder / "folder").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.out")
    for key in ("links/compute_logs/step", "links/compute_logs/folder/step", "links/compute_logs/pipe", "links"):
        assert running.ask(CAPTURED, key=key.split("/"))["capturedLogs"]["stdout"] is None, key
        assert running.get(f"/logs/{key}/out").status_code == 404, key
    assert "secret" not in json.dumps(running.answer(CAPTURED, key=["..", "..", "x"]).json())
