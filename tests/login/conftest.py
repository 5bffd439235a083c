"""These tests have a copy of their own, with the edge in front: any worker takes it, beside the one of the stack tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from operate.compose import free_port
from tests.stack.conftest import Stack, browser, copy_with_letters, own_settings, still

__all__ = ["browser", "own_settings", "still"]
PROJECT = f"login_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yields the copy."""
    ports = {name: str(free_port()) for name in ("EDGE_HTTP_PORT", "EDGE_HTTPS_PORT")}
    overlay = "docker/compose.edge.yml"
    with copy_with_letters(PROJECT, request, tmp_path_factory, overlay, EDGE_BIND="127.0.0.1", **ports) as stack:
        yield stack
