"""Brings Dagster's tables to the version of this image, then grants the role of runs what it needs of them."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg2

GRANTS = Path(__file__).with_name("run_grants.sql")


def grant() -> None:
    """In one transaction: a run that is under way never sees a moment without its rights."""
    connection = psycopg2.connect(
        host=os.environ["DAGSTER_POSTGRES_HOST"],
        port=os.environ["DAGSTER_POSTGRES_PORT"],
        user=os.environ["DAGSTER_POSTGRES_USER"],
        dbname=os.environ["DAGSTER_POSTGRES_DB"],
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(GRANTS.read_text())
    connection.close()


def main() -> None:
    """Ends with a sentence where the role is not there: a cluster that was made before the role existed lacks it."""
    subprocess.run(["dagster", "instance", "migrate"], check=True)
    try:
        grant()
    except psycopg2.errors.UndefinedObject as error:
        sys.exit(f"{str(error).strip()}: run 'docker compose exec postgres bash /docker-entrypoint-initdb.d/10-roles.sh' once.")


if __name__ == "__main__":
    main()
