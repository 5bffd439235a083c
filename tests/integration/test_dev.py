"""`make dev`: the code location without Docker, from start to Ctrl-C."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from operate.compose import ROOT


def test_dev_says_what_to_do_about_a_port_in_use(folder: Path) -> None:
    """The verb must stop before it starts anything."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environ = {**os.environ, "WEBSERVER_PORT": str(port)}
        dev = subprocess.run(
            [sys.executable, "-m", "dev", str(folder / "dev2")],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
    assert dev.returncode == 1
    assert dev.stderr == f"dev: port {port} is in use: stop what uses it (`make down`?), or set WEBSERVER_PORT.\n"
    assert not (folder / "dev2").exists()
