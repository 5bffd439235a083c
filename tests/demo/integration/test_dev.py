"""`make dev` runs the code location without Docker, from its start to Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dagster_api.client import Client
from dagster_api.waiting import wait_for
from operate.compose import ROOT, free_port


@pytest.mark.timeout(400)
def test_dev_runs_both_styles_and_ends_all_its_processes(folder: Path) -> None:
    """Ctrl-C must end every process, because a remaining one would use the port at the next start."""
    port = free_port()
    environ = {**os.environ, "WEBSERVER_PORT": str(port)}
    command = [sys.executable, "-m", "dev", str(folder / "dev"), "--beside", "demo.local_source"]
    dev = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A background script ignores SIGINT. `make test` never ended in such a script.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 - no threads here
    )
    try:
        client = Client(f"http://127.0.0.1:{port}", "user_code")
        wait_for("the code location", client.repository, seconds=180)
        for job in ("users_assets_job", "data_extraction_job"):
            ended = client.wait(client.launch(job))
            assert ended.status == "SUCCESS", client.story(ended.run_id)
        started = psutil.Process(dev.pid).children(recursive=True)
        assert len(started) > 3
        dev.send_signal(signal.SIGINT)
        stdout, stderr = dev.communicate(timeout=60)
    finally:
        # A failed assertion must not leave a daemon behind, which launches runs until somebody notices.
        left = psutil.Process(dev.pid).children(recursive=True) if dev.poll() is None else []
        for process in (dev, *left):
            process.kill()
        dev.wait()
    assert (dev.returncode, stdout) == (
        0,
        f"Dagster runs: http://localhost:{port} (log in {folder}/dev/dagster.log, Ctrl-C ends it)\n",
    )
    assert "dev: stopped" in stderr
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
