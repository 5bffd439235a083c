"""These drills have a copy of the deployment, with the settings of the stack tests."""

from __future__ import annotations

from tests.stack.conftest import stack, still

__all__ = ["stack", "still"]
