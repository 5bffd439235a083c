"""Compares a deployment with what it was: the rows of its tables, its files, and the answers of its API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from operate.compose import run
from operate.volumes import kept

# Runs `docker compose` with these arguments; returns its output.
Compose = Callable[..., str]
PSQL = ("exec", "-T", "postgres", "psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1")
# Each table's rows as one hash, whatever their order.
ROWS = "SELECT md5(string_agg(md5(t::text), chr(32) ORDER BY md5(t::text))) AS h FROM %I.%I t"
HASH = f"""SELECT format('%I.%I', nspname, relname),
(xpath('/row/h/text()', query_to_xml(format('{ROWS}', nspname, relname), false, true, '')))[1]
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND nspname !~ '^(pg_|information_schema$)'"""
SELECTOR = '{repositoryName: "__repository__", repositoryLocationName: "user_code"}'
ASKED = f"""{{assetNodes {{assetKey {{path}} assetMaterializations(limit: 5) {{runId timestamp}}
partitionStats {{numPartitions numMaterialized numFailed}}
assetChecksOrError {{... on AssetChecks {{checks {{name executionForLatestMaterialization {{status runId}}}}}}}}}}
schedulesOrError(repositorySelector: {SELECTOR}) {{... on Schedules {{results {{name scheduleState {{status}}}}}}}}
sensorsOrError(repositorySelector: {SELECTOR}) {{... on Sensors {{results {{name sensorState {{status}}}}}}}}}}"""


def hashes(compose: Compose, database: str) -> dict[str, str]:
    """Returns the hash of each table of a database."""
    rows = compose(*PSQL, "--username=postgres", f"--dbname={database}", "--no-align", "--tuples-only", "--command", HASH)
    return dict(row.split("|") for row in rows.splitlines())


def files(compose: Compose) -> dict[str, str]:
    """Returns the hashes of the files in each volume that a backup holds."""
    deployment = json.loads(compose("config", "--format", "json"))
    return files_of(kept(deployment), deployment["services"]["secrets"]["image"])


def files_of(volumes: Mapping[str, str], image: str) -> dict[str, str]:
    """Returns the hashes of the files in volumes."""
    listing = "cd /volume && find . -printf '%p %U %m %l\\n' | sort && find . -type f -exec sha256sum {} + | sort -k2"
    command = ["docker", "run", "--rm", "--network=none", "--user=0:0"]
    look = [image, "sh", "-c", listing]
    return {key: run([*command, f"--volume={name}:/volume:ro", *look], capture=True) for key, name in volumes.items()}


def put_odd_things_into_the_warehouse(compose: Compose) -> None:
    """Makes what a dump may stumble over: a constraint that calls a function, a view, an index on an expression."""
    for statement in ODD:
        compose(*PSQL, "--username=warehouse", "--dbname=warehouse", "--command", statement)


ODD = (
    "CREATE SCHEMA IF NOT EXISTS odd",
    "CREATE OR REPLACE FUNCTION odd.positive(n int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n > 0'",
    "CREATE TABLE IF NOT EXISTS odd.numbers (n int CHECK (odd.positive(n)), PRIMARY KEY (n))",
    "CREATE INDEX IF NOT EXISTS doubled ON odd.numbers ((n * 2)) WHERE odd.positive(n)",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS odd.seen AS SELECT n FROM odd.numbers",
    "COMMENT ON TABLE odd.numbers IS 'of dbt'",
    "INSERT INTO odd.numbers SELECT generate_series(1, 1000) ON CONFLICT DO NOTHING",
)
