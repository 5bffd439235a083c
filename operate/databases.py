"""Postgres of this deployment for backups: snapshots, dumps, restores. All go through the superuser's local socket."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, cast

from operate.compose import ROOT, CommandError

# Each database, with the role that owns what is in it. Restoring as the superuser would execute code of that role with all
# rights: a constraint of user code calls a function of user code.
DATABASES = {"dagster": "dagster", "warehouse": "warehouse"}
EXEC = ("docker", "compose", "--progress", "quiet", "exec", "-T", "postgres")
PIECE = 2**20
# Rows of each table, in one statement of the snapshot. Nothing of user code is called: counts read tables only.
ROWS = """SELECT coalesce(json_object_agg(format('%I.%I', nspname, relname), (xpath('/row/n/text()', query_to_xml(
format('SELECT count(*) AS n FROM ONLY %I.%I', nspname, relname), false, true, '')))[1]::text::bigint), '{}')
FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND relpersistence = 'p' AND nspname !~ '^(pg_|information_schema$)'"""
PSQL = ("psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--username=postgres")


def stream(command: tuple[str, ...], write: Callable[[bytes], None]) -> None:
    """Passes the standard output of a command on.

    Raises:
        CommandError: it failed.
    """
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        output, errors = cast("IO[bytes]", process.stdout), cast("IO[bytes]", process.stderr)
        while piece := output.read(PIECE):
            write(piece)
        said = errors.read().decode(errors="replace").strip()
    if process.returncode:
        raise CommandError(f"{' '.join(command[6:9])} failed: {said[-2000:]}")


def feed(command: tuple[str, ...], source: IO[bytes]) -> None:
    """Passes a file to the standard input of a command.

    Raises:
        CommandError: it failed.
    """
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        given, errors = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stderr)
        # A program that ends early says why.
        with suppress(BrokenPipeError), given:
            while piece := source.read(PIECE):
                given.write(piece)
        said = errors.read().decode(errors="replace").strip()
    if process.returncode:
        raise CommandError(f"{' '.join(command[5:9])} failed: {said[-2000:]}")


@contextmanager
def snapshot(database: str) -> Iterator[tuple[str, Mapping[str, int]]]:
    """A moment of a database: the name under which a dump sees the same, and the rows of each table.

    Raises:
        CommandError: Postgres does not answer.
    """
    command = [*EXEC, *PSQL, f"--dbname={database}"]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as psql:
        given, answer = cast("IO[str]", psql.stdin), cast("IO[str]", psql.stdout)
        given.write("SET search_path = pg_catalog; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n")
        given.write(f"SELECT pg_export_snapshot();\n{' '.join(ROWS.split())};\n")
        given.flush()
        name, counts = answer.readline().strip(), answer.readline().strip()
        if not counts:
            raise CommandError(f"Postgres does not answer about the database {database}: docker compose ps postgres")
        yield name, json.loads(counts)
        given.close()


def dump(database: str, name: str, write: Callable[[bytes], None]) -> None:
    """Passes the dump of a database at a snapshot on.

    Raises:
        CommandError: pg_dump failed.
    """
    stream((*EXEC, "pg_dump", "--username=postgres", "--format=custom", f"--snapshot={name}", database), write)


def restore(database: str, source: IO[bytes]) -> None:
    """Restores a dump into an empty database, in one transaction, as the role that owns what is in it.

    Rights are not restored: the services `roles` and `migrate` set them.

    Raises:
        CommandError: pg_restore failed.
    """
    options = ("--no-owner", "--no-privileges", "--no-comments", "--exit-on-error", "--single-transaction")
    feed((*EXEC, "pg_restore", f"--username={DATABASES[database]}", f"--dbname={database}", *options), source)
