"""Keeps the lock of each code location: locations/NAME/requirements.txt, the exact versions of its packages.

The build of its image makes the lock, with uv, and only if the project's list of packages has changed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from dagster_project.packages import stamp, stamp_in
from operate.compose import ROOT, CommandError, run
from operate.locations import Location

DOCKERFILE = ROOT / "docker/code_server/Dockerfile"
# These decide a lock beside the project: project_build.lock computes the same stamp.
DEPLOYMENT = (ROOT / "docker/code_server/deployment.in", ROOT / "docker/dagster/constraints.txt")
NOTE = "# note: "


def is_current(lock: Path, project: Path) -> bool:
    """Whether the lock is of the project's present list of packages."""
    return lock.exists() and stamp_in(lock.read_text()) == stamp(project, DEPLOYMENT)


def notes(lock: str) -> list[str]:
    """The sentences on what differs from the project's wishes."""
    return [line.removeprefix(NOTE) for line in lock.splitlines() if line.startswith(NOTE)]


def _require_buildx() -> None:
    try:
        run(["docker", "buildx", "version"], capture=True)
    except CommandError as error:
        raise CommandError(
            "`docker buildx` is missing, which locks packages: install the package docker-buildx-plugin"
        ) from error


def _build(location: Location, target: Path) -> None:
    contexts = {"project": location.project, "location": location.folder}
    named = [f"--build-context={name}={folder}" for name, folder in contexts.items()]
    args = [f"--build-arg={name}={value}" for name, value in location.build_args.items()]
    # BuildKit would also answer a failure of the network from its cache.
    where = ["--no-cache-filter=resolver", "--target=lock", f"--output=type=local,dest={target}", f"--file={DOCKERFILE}"]
    run(["docker", "buildx", "build", "--quiet", *named, *args, *where, str(ROOT)], capture=True)


def write_lock(location: Location) -> None:
    """Writes the lock if it is not current; prints what differs from the project's wishes.

    Raises:
        CommandError: the packages cannot be resolved. The old lock stays.
    """
    lock = location.folder / "requirements.txt"
    if is_current(lock, location.project):
        return
    _require_buildx()
    print(f"{location.name}: locking its packages", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        _build(location, Path(folder))
        refused = Path(folder, "refused.txt")
        if refused.exists():
            raise CommandError(f"{location.name}: {refused.read_text().strip()}")
        made = Path(folder, "requirements.txt")
        for note in notes(made.read_text()):
            print(f"{location.name}: {note}", file=sys.stderr)
        shutil.copyfile(made, lock)
