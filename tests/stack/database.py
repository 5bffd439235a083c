"""Asks the database with the rights of a run."""

from __future__ import annotations

from tests.stack.conftest import Stack

ASK = """
import sys, psycopg2
connection = psycopg2.connect(host="run_connection_pool", user="dagster_run", dbname=sys.argv[1])
connection.autocommit = True
cursor = connection.cursor()
for statement in sys.argv[2:]:
    try:
        cursor.execute(statement)
        print("done")
    except psycopg2.Error as error:
        print(error.pgcode)
"""


def asked(stack: Stack, database: str, *statements: str) -> list[str]:
    """Returns for each statement of a run's role `done` or the code of its error."""
    return stack.compose("exec", "-T", "user_code", "python", "-c", ASK, database, *statements).split()
