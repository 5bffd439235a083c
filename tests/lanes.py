"""Gives files of tests to the three workers of `make test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler.loadfile import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

# The files of each folder share a copy of the deployment, with eight to ten networks. Docker has addresses for 30.
COPIES = {"gw0": "tests/demo/stack/", "gw1": "tests/stack/", "gw2": "tests/locations/"}


class Lanes(LoadFileScheduling):
    """Lets each worker take the files of one copy first, and then files that need none."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        own = COPIES.get(node.gateway.id, "no such folder")
        fitting = [file for file in self.workqueue if file.startswith(own)]
        fitting += [file for file in self.workqueue if not file.startswith(tuple(COPIES.values()))]
        if not fitting:
            node.shutdown()
            return
        self.workqueue.move_to_end(fitting[0], last=False)
        super()._assign_work_unit(node)
