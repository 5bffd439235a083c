"""Counts the rows of a database at the moment of its dump: a restore compares them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, cast

from operate.compose import ROOT, CommandError
from operate.databases import EXEC, PSQL, sql

# No name of user code is called: pg_catalog is the only schema. The superuser's count ignores row security. JSON takes names
# with any character, on one line.
COUNT = """SELECT coalesce(json_object_agg(format('%I.%I', nspname, relname), (xpath('/row/c/text()',
query_to_xml(format('SELECT count(*) AS c FROM ONLY %I.%I', nspname, relname), false, true, '')))[1]::text::bigint), '{}')
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND nspname !~ '^(pg_|information_schema$)'"""
SETTINGS = "SET search_path = pg_catalog; SET lock_timeout = '60s';"
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot(); SAVEPOINT counting;"
# It releases the locks of the count. A run that replaces a table would wait for them, and pg_dump for the run: 60 s, then it
# failed.
RELEASE = "ROLLBACK TO SAVEPOINT counting;"
END = "the end"
Counts = dict[str, int]


@contextmanager
def one_moment(database: str) -> Iterator[tuple[str, Counts]]:
    """Holds a moment of a database for the block; yields its name for pg_dump, and the rows of each table.

    Raises:
        CommandError: Postgres does not answer, or a table stays locked.
    """
    command, pipe = [*EXEC, *PSQL, "--username=postgres", f"--dbname={database}"], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=pipe, stdout=pipe, stderr=pipe) as session:
        given, answers = cast("IO[str]", session.stdin), cast("IO[str]", session.stdout)
        given.write(f"{SETTINGS}\n{BEGIN}\n{COUNT};\n{RELEASE}\n\\echo {END}\n")
        given.flush()
        lines = [answers.readline().rstrip("\n") for _ in (BEGIN, COUNT, END)]
        if lines[-1] != END:
            raise CommandError(f"the rows of {database} cannot be counted: {session.communicate()[1].strip()}")
        moment, counts, _ = lines
        yield moment, json.loads(counts)
        given.close()


def check_counts(database: str, expected: Mapping[str, int]) -> None:
    """Raises `CommandError` if a restored table has other rows than the backup says."""
    found = json.loads(sql(f"{SETTINGS} {COUNT}", database, role="postgres"))
    wrong = [
        f"{table} has {found.get(table)} rows instead of {count}"
        for table, count in expected.items()
        if found.get(table) != count
    ]
    if wrong:
        raise CommandError(f"the database {database} is not as the backup says: {'; '.join(wrong[:5])}")
