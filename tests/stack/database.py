"""Tests send SQL statements to the database with the rights of a run."""

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


def query(stack: Stack, database: str, *statements: str) -> list[str]:
    """Returns `done` or the error code for each statement. The role of a run executes the statements."""
    return stack.exec("user_code", "python", "-c", ASK, database, *statements).split()
