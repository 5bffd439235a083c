"""The outcomes of the service's work, for its probe, its log and operators."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from database_backup.alone import alone
from database_backup.barman import HOME

FILE = HOME / "status.json"
# The monitor reads this copy: it may not see the backups.
SHOWN = Path("/var/lib/backup_status/status.json")


@dataclass(frozen=True)
class Outcome:
    """How the last piece of work of its kind ended.

    `good` is the last time at which it succeeded. `error` is empty then, and `failures` counts those since.
    """

    tried: datetime
    good: datetime | None
    said: str = ""
    error: str = ""
    failures: int = 0


def read(file: Path = FILE) -> dict[str, Outcome]:
    """Returns the outcomes by the kind of work."""
    found = json.loads(file.read_text()) if file.exists() else {}
    return {kind: _outcome(**each) for kind, each in found.items()}


def _outcome(tried: str, good: str | None, said: str, error: str, failures: int) -> Outcome:
    return Outcome(datetime.fromisoformat(tried), datetime.fromisoformat(good) if good else None, said, error, failures)


def note(kind: str, now: datetime, said: str = "", error: str = "", file: Path = FILE) -> None:
    """Keeps an outcome, and prints it if it is new."""
    with alone(file.with_suffix(".lock")):
        outcomes = read(file)
        before = outcomes.get(kind, Outcome(now, None))
        outcomes[kind] = Outcome(now, before.good, said, error, before.failures + 1) if error else Outcome(now, now, said)
        text = json.dumps({name: asdict(each) for name, each in outcomes.items()}, default=datetime.isoformat)
        for path in (file, SHOWN) if SHOWN.parent.is_dir() else (file,):
            aside = path.with_suffix(".new")
            aside.write_text(text)
            aside.rename(path)
    if (error or said) != (before.error or before.said):
        print(f"{kind}: {error or said}", file=sys.stderr if error else sys.stdout)
