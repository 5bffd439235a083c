"""These drills have a copy of the deployment whose runs are executed by a worker."""

from tests.workers.conftest import stack, still

__all__ = ["stack", "still"]
