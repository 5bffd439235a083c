"""Gives files of tests to the three workers of `make test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler.loadfile import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

# The files of each folder share a copy of the deployment; those of tests/locations have a copy each. Two workers have one at
# a time. Three copies saturate two processors: the tests took as long, and a page of the UI did not load in time.
COPIES = ("tests/demo/stack/", "tests/stack/", "tests/locations/", "tests/workers/")
FIRST = {"gw0": "tests/demo/stack/", "gw1": "tests/stack/"}
ANY = ("tests/workers/", "tests/locations/")


class Lanes(LoadFileScheduling):
    """Lets two workers take the files of one copy first. Afterwards both take files that have a copy each."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        own = FIRST.get(node.gateway.id)
        fitting = [file for file in self.workqueue if own and file.startswith(own)]
        fitting += [file for file in self.workqueue if own and file.startswith(ANY)]
        fitting += [file for file in self.workqueue if not file.startswith(COPIES)]
        if not fitting:
            node.shutdown()
            return
        self.workqueue.move_to_end(fitting[0], last=False)
        super()._assign_work_unit(node)
