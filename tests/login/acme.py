"""An ACME service inside a company. A second Caddy issues a certificate to each host that answers under its name."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster_api.waiting import seen, wait_for
from tests.login.conftest import PROJECT
from tests.login.edge import readable

HOST, CONTAINER = "acme.test", f"{PROJECT}_acme"
DIRECTORY = f"https://{HOST}/acme/local/directory"
CADDYFILE = f"{{\n admin off\n skip_install_trust\n}}\nhttps://{HOST} {{\n tls internal\n acme_server\n}}\n"
ROOT_CERTIFICATE = "/data/caddy/pki/authorities/local/root.crt"


def docker(*arguments: str, check: bool = True) -> str:
    """Returns the output of a `docker` command."""
    return subprocess.run(["docker", *arguments], check=check, text=True, capture_output=True).stdout


@contextmanager
def acme_service(folder: Path) -> Iterator[str]:
    """Runs the service in the network of the edge. Yields the path of its CA file."""
    image, start = f"{PROJECT}/edge:local", 'printf %s "$CADDYFILE" > /tmp/Caddyfile && exec caddy run --config /tmp/Caddyfile'
    where = ["--network", f"{PROJECT}_public", "--network-alias", HOST, "--name", CONTAINER]
    docker("run", "--detach", *where, "--env", f"CADDYFILE={CADDYFILE}", image, "sh", "-c", start)
    try:
        authority = folder / "acme.pem"
        authority.write_text(wait_for("the CA", root_certificate, seconds=30))
        yield readable(authority)
    finally:
        docker("rm", "--force", "--volumes", CONTAINER)


def root_certificate() -> str:
    """Returns the root certificate of the CA. Raises NotYetError until the CA has created it."""
    return seen(docker("exec", CONTAINER, "cat", ROOT_CERTIFICATE, check=False) or None, "no root certificate yet")
