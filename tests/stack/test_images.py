"""The images that ship, as they were built."""

from __future__ import annotations

import json

from operate.compose import run
from tests.stack.conftest import PROJECT, Stack

# The gateway runs as root, because the socket belongs to root; it has no capability.
ROOT_USERS = {"launch_gateway": "0:0"}
TOOLS = "command -v pip uv gcc cc make; ls /opt/venv/bin 2>/dev/null | grep ^pip; true"


def images(stack: Stack) -> dict[str, str]:
    """Those that are built from a Dockerfile here, by the name of the service."""
    services = json.loads(stack.compose("config", "--format", "json"))["services"]
    return {name: service["image"] for name, service in services.items() if service["image"].startswith(f"{PROJECT}/")}


def test_images_run_as_a_number_without_a_shell(stack: Stack) -> None:
    """A name could be another user in the image; a shell as the first process would keep signals from the program."""
    found = images(stack)
    assert {"webserver", "user_code", "launch_gateway", "connection_pool"} <= found.keys()
    for name, image in found.items():
        (config,) = (inspected["Config"] for inspected in json.loads(run(["docker", "image", "inspect", image], capture=True)))
        assert config["User"] == ROOT_USERS.get(name, "10001:10001"), name
        first = [*(config["Entrypoint"] or ()), *(config["Cmd"] or ())][0]
        assert not first.endswith("/sh"), name


def test_no_image_holds_a_tool_that_builds_or_installs(stack: Stack) -> None:
    """User code could install with it, and a scanner finds its faults in every image."""
    for image in sorted(set(images(stack).values())):
        command = ["docker", "run", "--rm", "--network", "none", "--user", "10001", "--entrypoint", "sh", image, "-c", TOOLS]
        assert run(command, capture=True) == "", image
