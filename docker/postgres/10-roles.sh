#!/usr/bin/env bash
# Runs once, when the cluster is made: a role and a database for Dagster, and one of each for the assets' data.
# Postgres is given SCRAM secrets: it never sees the roles' passwords.
set -euo pipefail

for name in dagster warehouse; do
    psql --set=ON_ERROR_STOP=1 --no-psqlrc --username="$POSTGRES_USER" --dbname=postgres --set=name="$name" <<'SQL'
\set scram `cat "/run/secrets/":name"_scram"`
CREATE ROLE :"name" LOGIN PASSWORD :'scram';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
