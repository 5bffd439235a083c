#!/usr/bin/env bash
# Creates the cluster and runs /docker-entrypoint-initdb.d at the first start, like the official image. Then it runs Postgres.
# Reads POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD[_FILE], POSTGRES_INITDB_ARGS and POSTGRES_HOST_AUTH_METHOD.
set -euo pipefail

if [ "$(id -u)" = 0 ]; then
    install -d -o postgres -g postgres -m 700 "$PGDATA"
    chown postgres:postgres "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

initialise() {
    local user=${POSTGRES_USER:-postgres} password=${POSTGRES_PASSWORD:-}
    local database=${POSTGRES_DB:-$user}
    [ -z "${POSTGRES_PASSWORD_FILE:-}" ] || password=$(<"$POSTGRES_PASSWORD_FILE")
    [ -n "$password" ] || { echo "postgres: set POSTGRES_PASSWORD_FILE to a file with the superuser's password" >&2; exit 1; }
    # shellcheck disable=SC2086 # the variable holds several arguments, as in the official image
    initdb --username="$user" --pwfile=<(printf '%s\n' "$password") ${POSTGRES_INITDB_ARGS:-}
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
    export PGUSER=$user PGPASSWORD=$password
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    [ "$database" = postgres ] || psql -v ON_ERROR_STOP=1 -d postgres -c "CREATE DATABASE \"$database\""
    run_scripts "$user" "$database"
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGPASSWORD PGUSER
}

# shellcheck disable=SC1090 # the scripts are known only at run time
run_scripts() {
    local script
    for script in /docker-entrypoint-initdb.d/*; do
        case "$script" in
            *.sh) if [ -x "$script" ]; then "$script"; else . "$script"; fi ;;
            *.sql) psql -v ON_ERROR_STOP=1 --no-psqlrc -U "$1" -d "$2" -f "$script" ;;
        esac
    done
}

if [ "${1:-}" = postgres ]; then
    [ -s "$PGDATA/PG_VERSION" ] || initialise
    set -- "$@" -c listen_addresses='*'
fi
exec "$@"
