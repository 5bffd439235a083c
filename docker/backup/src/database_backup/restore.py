"""Makes the database what it was at a moment: `make restore AT=...`. Postgres is stopped.

`prepare MOMENT` restores and starts the database beside the present one. The moment may be `latest`. `replace` then gives it the
place of the present one, which stays beside it as `pgdata.before`. `end` ends the restore; `end nothing` keeps nothing.
"""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from database_backup import timelines
from database_backup.barman import ENDED, STREAMING, Backup, BarmanError, backups, run
from database_backup.live import TIMELINE
from database_backup.recovery import SOCKETS, Target, forget_recovery, restore, server, sql
from database_backup.stream import put_away
from database_backup.work import configured

DATA = Path("/var/lib/postgresql/data")
PRESENT, BEFORE, NEXT = DATA / "pgdata", DATA / "pgdata.before", DATA / "pgdata.next"
# The timeline and the moment of the database that is prepared.
PREPARED = DATA / "pgdata.next.json"
# A restore has replaced the present database, and has not ended. `pgdata.before` is the one from before all attempts.
UNFINISHED = DATA / "pgdata.restoring"
# Postgres writes it to the log.
NOT_REACHED = "recovery ended before configured recovery target was reached"
HINT = "\nNo WAL leads to that moment: the database was off then, or it was not received. Take an earlier moment, or AT=latest."
SUPERUSER = "\\set given `cat /run/secrets/postgres_password`\nALTER ROLE postgres PASSWORD :'given';\n"


def target(at: str, now: datetime) -> Target:
    """Returns what to restore.

    Raises:
        BarmanError: no backup is old enough.
    """
    moment = now if at == "latest" else datetime.fromisoformat(at)
    found, switches = backups(), timelines.read()
    base = timelines.base_for(found, switches, moment)
    if base is None:
        raise BarmanError(f"no backup is from before {moment}: {oldest(found)}")
    return Target(base.name, timelines.timeline_at(switches, moment), None if at == "latest" else moment)


def oldest(found: list[Backup]) -> str:
    """Returns a sentence about the moments that can be restored."""
    return f"the oldest ends at {found[0].end}" if found else "there is none"


def try_it(wanted: Target) -> dict[str, Any]:
    """Restores a database beside the present one, and lets it reach its moment; returns its new timeline and its last change.

    Raises:
        BarmanError: it does not start, or does not reach the moment.
    """
    restore(wanted, NEXT)
    with server(NEXT):
        forget_recovery()
        set_password()
        # WAL from here on is kept for the service: the first file of the new timeline must not be missing.
        sql("CHECKPOINT")
        sql("SELECT pg_create_physical_replication_slot('backup', true)")
        (changed,) = sql("SELECT pg_last_xact_replay_timestamp()")
        timeline = int(sql(TIMELINE)[0], 16)
    return {"timeline": timeline, "changed": changed}


def set_password() -> None:
    """Gives the superuser the password of this machine: the backups may come from another one."""
    file = SOCKETS / "superuser.sql"
    file.write_text(SUPERUSER)
    run("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--host={SOCKETS}", "--username=postgres", f"--file={file}")


def prepare(at: str, now: datetime) -> None:
    """Restores and tries a database. Exits with a sentence if that is not possible: nothing is replaced."""
    PREPARED.unlink(missing_ok=True)
    try:
        wanted = target(at, now)
        found = try_it(wanted)
        keep_histories()
        PREPARED.write_text(json.dumps({**found, "moment": (wanted.moment or now).isoformat()}))
    except (BarmanError, OSError) as error:
        sys.exit(f"{error}{HINT if NOT_REACHED in str(error) else ''}")
    finally:
        if not PREPARED.exists():
            shutil.rmtree(NEXT, ignore_errors=True)
    print(f"the database is that of {wanted.moment or 'all WAL'}; its last change is of {found['changed']}")


def keep_histories() -> None:
    """Keeps the histories of timelines: the next restore must not take the number of this one."""
    ENDED.mkdir(exist_ok=True)
    for file in (NEXT / "pg_wal").glob("*.history"):
        shutil.copyfile(file, ENDED / file.name)


def replace() -> None:
    """Gives the prepared database the place of the present one. It may be done again if it broke off."""
    prepared = json.loads(PREPARED.read_text())
    # What was not archived belongs to the timeline that ends.
    put_away(STREAMING.glob("*"))
    switches = [each for each in timelines.read() if each.timeline < prepared["timeline"]]
    moment = datetime.fromisoformat(prepared["moment"])
    timelines.write([*switches, timelines.Switch(datetime.now(UTC), prepared["timeline"], moment)])
    if not UNFINISHED.exists():
        shutil.rmtree(BEFORE, ignore_errors=True)
        UNFINISHED.touch()
    if BEFORE.exists():
        shutil.rmtree(PRESENT, ignore_errors=True)
    elif PRESENT.exists():
        PRESENT.rename(BEFORE)
    NEXT.rename(PRESENT)
    PREPARED.unlink()


def end(kept: str) -> None:
    """Ends a restore: what it has replaced may be removed by the next one."""
    UNFINISHED.unlink(missing_ok=True)
    if kept == "nothing":
        shutil.rmtree(BEFORE, ignore_errors=True)


def main(verb: str, word: str = "") -> None:
    """Takes one of the three steps."""
    configured()
    if verb == "prepare":
        prepare(word, datetime.now(UTC))
    elif verb == "replace":
        replace()
    else:
        end(word)


if __name__ == "__main__":
    main(*sys.argv[1:])
