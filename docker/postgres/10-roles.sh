#!/usr/bin/env bash
# Runs once, when the cluster is made: a role and a database for Dagster, and one of each for the assets' data.
# Passwords go from file to Postgres without passing a command line or an environment.
set -euo pipefail

for name in dagster warehouse; do
    psql --set=ON_ERROR_STOP=1 --no-psqlrc --username="$POSTGRES_USER" --dbname=postgres --set=name="$name" <<'SQL'
\set password `cat "/run/secrets/":name"_password"`
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
