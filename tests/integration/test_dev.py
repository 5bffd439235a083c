"""`make dev` runs the code location without Docker. The demo's tests start it and stop it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from operate.compose import ROOT


def test_dev_rejects_a_port_in_use_and_names_the_remedy(folder: Path) -> None:
    """`make dev` must end before it starts a process or creates a folder."""
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
