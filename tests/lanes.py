"""Gives files of tests to the workers of `make test` and `make test-drills`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler.loadfile import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

# The files of each folder share a copy of the deployment.
COPIES = ("tests/demo/stack/", "tests/stack/", "tests/locations/", "tests/login/", "tests/drills/", "tests/demo/drills/")
ANY = ("tests/locations/", "tests/login/", "tests/demo/drills/", "tests/drills/")
FIRST = {"gw0": ("tests/demo/stack/",), "gw1": ("tests/stack/",), "gw2": ("tests/locations/",)}
# Every drill has a copy, and most of them wait.
FIRST_DRILLS = {
    "gw0": ("tests/drills/workers/",),
    "gw1": ("tests/drills/backup/",),
    "gw2": ("tests/demo/drills/upgrade/",),
    "gw3": ("tests/demo/drills/offsite/",),
}
# One worker takes all tests of such a folder, in the order of their names. They share a copy, or a database.
TOGETHER = ("tests/locations/", "tests/login/", "tests/integration/", "tests/demo/integration/")


class Lanes(LoadFileScheduling):
    """Lets each worker take its own files first. Afterwards all take files that have a copy each, and those that need none."""

    def _split_scope(self, nodeid: str) -> str:
        scope: str = super()._split_scope(nodeid)
        return next((folder for folder in TOGETHER if scope.startswith(folder)), scope)

    def _assign_work_unit(self, node: WorkerController) -> None:
        drills = any(test.startswith("tests/drills/") for test in self.collection or ())
        own = (FIRST_DRILLS if drills else FIRST).get(node.gateway.id, ())
        fitting = [file for kind in (own, ANY, None) for file in self.workqueue if _is(file, kind)]
        if not fitting:
            node.shutdown()
            return
        self.workqueue.move_to_end(fitting[0], last=False)
        super()._assign_work_unit(node)


def _is(file: str, kind: tuple[str, ...] | None) -> bool:
    """Whether a file is in one of the folders, or needs no copy if there are none."""
    return not file.startswith(COPIES) if kind is None else file.startswith(kind)
