"""Gives files of tests to the three workers of `make test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler.loadfile import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

# The files of each folder share a copy of the deployment; those of tests/locations have a copy each. Each worker has one copy at
# a time: with two copies, two processors were busy for 62 % of the time.
FIRST = {"gw0": "tests/demo/stack/", "gw1": "tests/stack/", "gw2": "tests/workers/"}
SHARED = tuple(FIRST.values())
APART = "tests/locations/"


class Lanes(LoadFileScheduling):
    """Lets each worker take the files of its copy first. Afterwards all take files with a copy each, and those that need none."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        own = FIRST.get(node.gateway.id)
        fitting = [file for file in self.workqueue if own and file.startswith(own)]
        fitting += [file for file in self.workqueue if file.startswith(APART)]
        fitting += [file for file in self.workqueue if not file.startswith((*SHARED, APART))]
        if not fitting:
            node.shutdown()
            return
        self.workqueue.move_to_end(fitting[0], last=False)
        super()._assign_work_unit(node)
