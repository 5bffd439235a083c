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

from tests.integration.webserver import Webserver, webserver

pytestmark = pytest.mark.timeout(300)
HALF = os.fsdecode(b"caf\xe9")
LOGS = """query($run: ID!, $after: String, $limit: Int) {logsForRun(runId: $run, afterCursor: $after, limit: $limit) {
    ... on EventConnection {cursor hasMore events {... on MessageEvent {message}
        ... on DisplayableEvent {metadataEntries {label ... on TextMetadataEntry {text} ... on FloatMetadataEntry {floatValue}
            ... on TableMetadataEntry {table {records}}}}}}}}"""
FOLLOW = """subscription($run: ID!) {pipelineRunLogs(runId: $run) {
    ... on PipelineRunLogsSubscriptionSuccess {hasMorePastEvents messages {... on MessageEvent {message}}}}}"""


@pytest.fixture(scope="module")
def running(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webserver]:
    """Runs the webserver without a code location."""
    folder = tmp_path_factory.mktemp("webserver")
    (folder / "workspace.yaml").write_text("load_from: []")
    with webserver(folder, environment) as process:
        yield process


@pytest.fixture
def instance(in_environment: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    """Runs write to this instance; other tests share its database."""
    with dg.DagsterInstance.get() as instance:
        yield instance
        for run_id in instance.get_run_ids():
            instance.delete_run(run_id)


def written(instance: dg.DagsterInstance, run_id: str, *lines: str) -> None:
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
    """All that Python's values can be and JSON's cannot."""
    context.log.info("a %s", HALF)
    context.log.info("nothing \0 here")
    table = dg.MetadataValue.table([dg.TableRecord({"x": float("nan"), "y": HALF})])
    return dg.MaterializeResult(metadata={"text": HALF, "nan": float("nan"), HALF: float("-inf"), "many": 10**30, "table": table})


def test_no_value_of_a_run_hides_its_page(running: Webserver, instance: dg.DagsterInstance) -> None:
    """The UI shows half a character as an unknown one, and a float that JSON lacks as none."""
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


def test_a_pool_gets_its_limit_in_the_ui(running: Webserver) -> None:
    """Dagster sends `SELECT true` there. Its column has no name, and the bound of events once failed on it."""
    try:
        assert running.ask('mutation {setConcurrencyLimit(concurrencyKey: "oven", limit: 2)}') == {"setConcurrencyLimit": True}
        assert running.ask(POOLS) == {"instance": {"concurrencyLimits": [{"concurrencyKey": "oven", "slotCount": 2}]}}
    finally:
        running.ask('mutation {deleteConcurrencyLimit(concurrencyKey: "oven")}')


RUN_ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def wordy(instance: dg.DagsterInstance) -> str:
    """Returns a run with forty lines of 2.4 MB."""
    written(instance, RUN_ID, *(f"{number} " + "x" * 2_400_000 for number in range(40)))
    return RUN_ID


def test_a_page_of_large_lines_is_shorter_and_none_is_lost(running: Webserver, wordy: str) -> None:
    """8 MiB hold three lines of 2.4 MB: the client continues with the cursor that it got."""
    before, pages, after = running.megabytes(), [], None
    while True:
        page = running.ask(LOGS, run=wordy, after=after)["logsForRun"]
        pages.append([event["message"][:2].strip() for event in page["events"]])
        after = page["cursor"]
        if not page["hasMore"]:
            break
    assert pages == [[str(number) for number in range(first, min(first + 3, 40))] for first in range(0, 40, 3)]
    followed = running.followed(FOLLOW, run=wordy)
    parts = [next(followed)["data"]["pipelineRunLogs"] for _ in range(14)]
    assert [len(part["messages"]) for part in parts] == [3] * 13 + [1]
    assert [part["hasMorePastEvents"] for part in parts] == [True] * 13 + [False]
    assert running.megabytes() < before + 150


def test_a_line_that_is_too_large_to_be_shown_says_where_it_is(running: Webserver, instance: dg.DagsterInstance) -> None:
    """The UI shows the lines before and behind it."""
    written(instance, RUN_ID, "before", "x" * 2**23, "behind")
    said, after = [], None
    for limit in (1, 1, None):
        page = running.ask(LOGS, run=RUN_ID, after=after, limit=limit)["logsForRun"]
        said += [event["message"] for event in page["events"]]
        after = page["cursor"]
    large = instance.get_records_for_run(RUN_ID).records[1]
    size = len(instance.event_log_storage.get_event_log_table_data(RUN_ID, large.storage_id).event)
    where = f"the whole of it is in the database of Dagster, table event_logs, id {large.storage_id}."
    assert said == ["before", f"This event has {size:,} bytes, and 8,388,608 can be shown: {where}", "behind"]


def test_what_has_no_pages_is_refused_where_it_is_too_large(running: Webserver, wordy: str) -> None:
    """The debug file of a run holds all of its events. The webserver must still answer everybody else."""
    answer = running.get(f"/download_debug/{wordy}")
    assert answer.status_code == 413
    assert re.fullmatch(
        r"These events have 96,[0-9,]+ bytes, and 67,108,864 are read at once: ask for fewer at a time.\n", answer.text
    )
    assert running.get("/server_info").ok


def test_one_request_reads_no_more_by_asking_often(running: Webserver, wordy: str) -> None:
    """The request asks twenty times for a page of 7.2 MB."""
    page = f'logsForRun(runId: "{wordy}") {{... on EventConnection {{cursor}} ... on PythonError {{message}}}}'
    before = running.megabytes()
    answer = running.answer("{" + " ".join(f"a{number}: {page}" for number in range(20)) + "}")
    assert "67,108,864 are read at once: ask for fewer at a time." in answer.text
    assert running.megabytes() < before + 400


CAPTURED = "query($key: [String!]!, $limit: Int) {capturedLogs(logKey: $key, limit: $limit) {stdout stderr cursor}}"
CAPTURED_LIVE = "subscription($key: [String!]!, $after: String) {capturedLogs(logKey: $key, cursor: $after) {stdout cursor}}"


def log_file(running: Webserver, *names: str) -> Path:
    """Returns the file to which a run writes its output."""
    file = running.logs.joinpath(*names)
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def test_a_sparse_file_costs_the_webserver_no_more_than_its_writer(running: Webserver) -> None:
    """One answer holds 4 MiB. A follower gets the last 6 MiB in pieces, and a download is sent as it is read."""
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


def test_output_that_is_no_text_is_shown_and_downloaded_as_it_is(running: Webserver) -> None:
    """Dagster chooses the name of the file."""
    log_file(running, "bytes", "compute_logs", "step.err").write_bytes(b"caf\xe9\0\n")
    told = running.ask(CAPTURED, key=["bytes", "compute_logs", "step"])["capturedLogs"]
    assert told == {"stdout": None, "stderr": "caf\N{REPLACEMENT CHARACTER}\0\n", "cursor": "0:6"}
    answer = running.get("/logs/bytes/compute_logs/step/err")
    assert (answer.content, answer.headers["Content-Disposition"]) == (
        b"caf\xe9\0\n",
        "attachment; filename*=utf-8''bytes__compute_logs__step.err",
    )


def test_a_log_that_grows_is_followed_until_it_is_complete(running: Webserver) -> None:
    """The subscription sends each piece once."""
    file = log_file(running, "grows", "compute_logs", "step.out")
    file.write_text("one")
    followed = running.followed(CAPTURED_LIVE, key=["grows", "compute_logs", "step"])
    assert next(followed)["data"]["capturedLogs"] == {"stdout": "one", "cursor": "3:0"}
    with file.open("a") as more:
        more.write("two")
    file.with_suffix(".complete").touch()
    assert [part["data"]["capturedLogs"] for part in followed] == [{"stdout": "two", "cursor": "6:0"}]


def test_every_answer_says_that_no_page_may_frame_it(running: Webserver) -> None:
    """Dagster's own policy stays beside it; a refusal has it too."""
    for path, headers in (("/", {}), ("/server_info", {}), ("/", {"Host": "evil.example"}), ("/logs/none/out", {})):
        answer = running.get(path, headers=headers)
        assert answer.headers["X-Frame-Options"] == "DENY", path
        policies = answer.headers["Content-Security-Policy"].split(", ")
        assert policies[-1] == "frame-ancestors 'none'", path
    assert (
        running.get("/").headers["Content-Security-Policy"].startswith("base-uri 'none'; object-src 'none'; script-src 'nonce-")
    )


def test_nothing_that_a_link_leads_to_is_shown(running: Webserver, tmp_path: Path) -> None:
    """The webserver shows no linked file, folder or pipe: they count as missing."""
    (tmp_path / "step.out").write_text("secret")
    folder = log_file(running, "links", "compute_logs", "step.out").parent
    (folder / "step.out").symlink_to(tmp_path / "step.out")
    (folder / "folder").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.out")
    for key in ("links/compute_logs/step", "links/compute_logs/folder/step", "links/compute_logs/pipe", "links"):
        assert running.ask(CAPTURED, key=key.split("/"))["capturedLogs"]["stdout"] is None, key
        assert running.get(f"/logs/{key}/out").status_code == 404, key
    assert "secret" not in json.dumps(running.answer(CAPTURED, key=["..", "..", "x"]).json())
