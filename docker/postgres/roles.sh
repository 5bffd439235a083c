#!/usr/bin/env bash
# Restores roles and databases at every start: Postgres lets each role change its own password and settings. User code has
# two of the three roles. Postgres gets SCRAM secrets: it never sees a password.
set -euo pipefail

PGPASSWORD=$(<"$POSTGRES_PASSWORD_FILE")
# User code may create functions in the warehouse's schema `public`; the superuser must not call one by a bare name.
# A role that locks itself must not block this script.
PGOPTIONS="--search_path=pg_catalog --lock_timeout=5s"
export PGPASSWORD PGOPTIONS SECRETS=${SECRETS:-/run/secrets}

sql() { psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres "$@"; }

# NAME: ends the role's sessions. Used only if the role is in the way: active runs lose their connections.
stop_role() {
    echo "roles: $1 is changing itself: ending its sessions" >&2
    end_sessions "$1"
    # The role may have reconnected already: the next attempt then ends its sessions again.
    sql --dbname=postgres --command="ALTER ROLE $1 NOLOGIN" || echo "roles: $1 still changes itself" >&2
    end_sessions "$1"
}

end_sessions() {
    sql --dbname=postgres --output=/dev/null \
        --command="SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '$1'"
}

# NAME SETTINGS [GROUP]: retries, because the role may be changing itself repeatedly at this moment.
role() {
    local attempt
    for attempt in 1 2 3 4 5; do
        set_role "$@" && return
        stop_role "$1"
    done
    echo "roles: $1 cannot be set right after $attempt attempts: stop all code servers and runs, then docker compose start roles" >&2
    exit 1
}

# NAME SETTINGS [GROUP]: restores the role in one transaction: no run logs in to a half-restored role.
set_role() {
    sql --dbname=postgres --single-transaction --set=name="$1" --set=settings="$2" --set=group="${3:-}" <<'SQL'
\set scram `cat "$SECRETS/":name"_scram"`
SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    CONNECTION LIMIT -1 VALID UNTIL 'infinity' PASSWORD :'scram';
SELECT format('REVOKE %s FROM %s', roleid::regrole, member::regrole) FROM pg_auth_members WHERE member = :'name'::regrole \gexec
SELECT format('GRANT %I TO %I', :'group', :'name') WHERE :'group' <> '' \gexec
ALTER ROLE :"name" RESET ALL;
SELECT format('ALTER ROLE %I IN DATABASE %I RESET ALL', :'name', datname)
FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase WHERE setrole = :'name'::regrole \gexec
SELECT format('ALTER ROLE %I SET %I = %L', :'name', split_part(setting, '=', 1), split_part(setting, '=', 2))
FROM unnest(string_to_array(:'settings', ' ')) AS setting \gexec
SQL
}

# NAME OWNER: the database, which only named roles may use.
database() {
    sql --dbname=postgres --set=name="$1" --set=owner="$2" <<'SQL'
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
-- An owner of an earlier release may have changed it for everybody.
SELECT format('ALTER DATABASE %I RESET ALL', :'name') FROM pg_database
WHERE datname = :'name' AND datdba <> :'owner'::regrole \gexec
ALTER DATABASE :"name" OWNER TO :"owner";
ALTER DATABASE :"name" CONNECTION LIMIT -1;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

# DATABASE PATTERN: revokes functions that Postgres grants to everybody.
take() {
    sql --dbname="$1" --set=pattern="$2" <<'SQL'
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', oid::regprocedure)
FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ :'pattern' \gexec
SQL
}

# Time-outs prevent accidents: a role may change them. No role may raise temp_file_limit, a session's disk space for sorting.
role dagster "lock_timeout=30s"
role dagster_run "lock_timeout=30s statement_timeout=2min temp_file_limit=1GB"
# Removes old rows in small parts, and never waits long for one of them.
role dagster_maintenance "lock_timeout=5s statement_timeout=10min temp_file_limit=1GB"
# Reads, for alerts and metrics. With MONITORING=1, the exporter of Postgres' statistics has it too.
role dagster_monitor "lock_timeout=5s statement_timeout=30s temp_file_limit=100MB default_transaction_read_only=on" pg_monitor
role warehouse "lock_timeout=15min idle_in_transaction_session_timeout=15min temp_file_limit=4GB"

# The output of runs, with OUTPUT_STORE=postgres: a role for each code location, which sees only its own rows.
sql --dbname=postgres <<'SQL'
SELECT 'CREATE ROLE outputs NOLOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'outputs') \gexec
SQL
for scram in "$SECRETS"/outputs_*_scram; do
    name=$(basename "$scram" _scram)
    [[ $name =~ ^outputs_[a-z0-9_]+$ ]] || continue
    role "$name" "lock_timeout=30s statement_timeout=2min idle_in_transaction_session_timeout=1min temp_file_limit=1GB" outputs
done

database dagster dagster
# An owner could lock everybody out of the database: user code creates schemas in the warehouse, and owns those.
database warehouse postgres
sql --dbname=warehouse <<'SQL'
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE warehouse TO warehouse;
SELECT 'GRANT CREATE, USAGE ON SCHEMA public TO warehouse' WHERE to_regnamespace('public') IS NOT NULL \gexec
SQL

# All runs share one role: a run could end another run's sessions.
take warehouse '^pg_(terminate|cancel)_backend$'
# Neither a place to write to, nor locks that Dagster does not know.
take dagster '^(pg_(terminate|cancel)_backend|pg_(try_)?advisory_.*|lo_.*)$'

# BACKUP=1: the role that streams WAL. It reads no table.
stream_wal() {
    role backup ""
    sql --dbname=postgres <<'SQL'
ALTER ROLE backup REPLICATION;
GRANT CONNECT ON DATABASE postgres TO backup;
GRANT pg_read_all_settings, pg_read_all_stats, pg_checkpoint TO backup;
GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean), pg_backup_stop(boolean), pg_switch_wal(),
    pg_create_restore_point(text) TO backup;
SQL
}

# Without BACKUP=1 nobody takes the WAL that the slot would keep until the disk is full.
keep_no_wal() {
    sql --dbname=postgres --output=/dev/null <<'SQL'
SELECT 'ALTER ROLE backup NOLOGIN NOREPLICATION' WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = 'backup') \gexec
SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = 'backup' AND active;
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'backup';
SQL
}

if [ "${BACKUP:-0}" = 1 ]; then stream_wal; else keep_no_wal; fi
