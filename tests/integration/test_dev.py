"""`make dev`: the code location without Docker, from start to Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from operate.compose import ROOT, free_port
from operate.graphql import Client
from operate.waiting import wait_for


@pytest.mark.timeout(400)
def test_dev_runs_both_styles_and_leaves_nothing_behind(folder: Path) -> None:
    """Runs are processes, storage is embedded, Ctrl-C ends every process."""
    port = free_port()
    environ = {**os.environ, "WEBSERVER_PORT": str(port)}
    command = [sys.executable, "-m", "operate.dev", str(folder / "dev")]
    dev = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A background script ignores the interrupt: `make test` never ended there.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 - no threads here
    )
    try:
        client = Client(f"http://127.0.0.1:{port}")
        wait_for("the code location", client.repository, seconds=180)
        for job in ("users_assets_job", "data_extraction_job"):
            ended = client.wait(client.launch(job))
            assert ended.status == "SUCCESS", client.story(ended.run_id)
        started = psutil.Process(dev.pid).children(recursive=True)
        assert len(started) > 3
        dev.send_signal(signal.SIGINT)
        stdout, stderr = dev.communicate(timeout=60)
    finally:
        dev.kill()
        dev.wait()
    assert (dev.returncode, stdout) == (
        0,
        f"Dagster runs: http://localhost:{port} (log in {folder}/dev/dagster.log, Ctrl-C ends it)\n",
    )
    assert "dev: stopped" in stderr
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []


def test_dev_says_what_to_do_about_a_port_in_use(folder: Path) -> None:
    """The verb must stop before it starts anything."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environ = {**os.environ, "WEBSERVER_PORT": str(port)}
        dev = subprocess.run(
            [sys.executable, "-m", "operate.dev", str(folder / "dev2")],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
    assert dev.returncode == 1
    assert dev.stderr == f"dev: port {port} is in use: stop what uses it (`make down`?), or set WEBSERVER_PORT.\n"
    assert not (folder / "dev2").exists()
