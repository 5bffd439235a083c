"""Gives files of tests to the three workers of `make test`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdist.scheduler.loadfile import LoadFileScheduling

from operate.compose import CommandError
from operate.networks import count

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

# The files of each folder share a copy of the deployment; those of tests/locations have a copy each. A worker has one copy at
# a time. The third worker begins with tests that need none, because three copies saturate two processors.
COPIES = ("tests/demo/stack/", "tests/stack/", "tests/locations/")
FIRST = {"gw0": "tests/demo/stack/", "gw1": "tests/stack/"}
LATER = "tests/locations/"
# Docker has addresses for 30. Beside another deployment, two copies have to do.
NETWORKS_OF_THREE_COPIES = 26


def third_copy_fits() -> bool:
    """Returns whether Docker can make the networks of three copies."""
    wanted = {"networks": {f"lane{number}": {"name": f"lane{number}"} for number in range(NETWORKS_OF_THREE_COPIES)}}
    try:
        needed, free = count(wanted, here=True)
    except CommandError:
        # Without an engine, only the unit tests run.
        return False
    return free >= needed


class Lanes(LoadFileScheduling):
    """Lets two workers take the files of one copy first. Afterwards each takes files that have a copy of their own."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.with_copies = {"gw0", "gw1", *(["gw2"] if third_copy_fits() else [])}

    def _fitting(self, worker: str) -> list[str]:
        own = [file for file in self.workqueue if worker in FIRST and file.startswith(FIRST[worker])]
        later = [file for file in self.workqueue if worker in self.with_copies and file.startswith(LATER)]
        others = [file for file in self.workqueue if not file.startswith(COPIES)]
        return [*own, *later, *others] if worker in FIRST else [*others, *later]

    def _assign_work_unit(self, node: WorkerController) -> None:
        fitting = self._fitting(node.gateway.id)
        if not fitting:
            node.shutdown()
            return
        self.workqueue.move_to_end(fitting[0], last=False)
        super()._assign_work_unit(node)
