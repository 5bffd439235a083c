"""The tests read the built images, not the Dockerfiles."""

from __future__ import annotations

import json

from operate.compose import run
from tests.stack.conftest import PROJECT, Stack

# The gateway runs as root, because root owns the Docker socket. The gateway has no capabilities.
ROOT_USERS = {"launch_gateway": "0:0"}
TOOLS = "command -v pip uv gcc cc make; ls /opt/venv/bin 2>/dev/null | grep ^pip; true"


def built_images(stack: Stack) -> dict[str, str]:
    """Returns the images that a Dockerfile of this repository builds, by the name of the service."""
    services = json.loads(stack.compose("config", "--format", "json"))["services"]
    return {name: service["image"] for name, service in services.items() if service["image"].startswith(f"{PROJECT}/")}


def test_images_set_a_numeric_user_and_start_no_shell(stack: Stack) -> None:
    """A name could be another user in the image. A shell as the first process would not pass signals to the program."""
    found = built_images(stack)
    assert {"webserver", "user_code", "launch_gateway", "connection_pool"} <= found.keys()
    for name, image in found.items():
        (config,) = (inspected["Config"] for inspected in json.loads(run(["docker", "image", "inspect", image], capture=True)))
        assert config["User"] == ROOT_USERS.get(name, "10001:10001"), name
        first = [*(config["Entrypoint"] or ()), *(config["Cmd"] or ())][0]
        assert not first.endswith("/sh"), name


def test_images_contain_no_compiler_and_no_package_installer(stack: Stack) -> None:
    """User code could install packages with such a tool. A scanner reports the tool's vulnerabilities in every image."""
    for image in sorted(set(built_images(stack).values())):
        command = ["docker", "run", "--rm", "--network", "none", "--user", "10001", "--entrypoint", "sh", image, "-c", TOOLS]
        assert run(command, capture=True) == "", image
