#!/usr/bin/env bash
# Runs when the cluster is made; again by hand when a release adds a role. A role and a database for Dagster, one of each for
# the assets' data, and a role for runs, which own nothing. Postgres is given SCRAM secrets: it never sees a password.
set -euo pipefail

sql() { psql --set=ON_ERROR_STOP=1 --no-psqlrc --username="$POSTGRES_USER" --dbname=postgres --set=name="$1"; }

for name in dagster dagster_run warehouse; do
    sql "$name" <<'SQL'
\set scram `cat "/run/secrets/":name"_scram"`
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'name', :'scram')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
SQL
done

for name in dagster warehouse; do
    sql "$name" <<'SQL'
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
