"""Health of the code server: has it loaded the code location, and can user code log in to its databases?

`dagster api grpc-health-check` is content where it has not loaded, and costs a second of CPU. This asks for the repositories, in
Dagster's own gRPC service, without importing Dagster.
"""

import os
import sys

import grpc
import psycopg2

# Of each role that user code has, where to log in.
LOGINS = {os.environ["DAGSTER_POSTGRES_USER"]: "DAGSTER_POSTGRES", "warehouse": "WAREHOUSE"}

with grpc.insecure_channel(f"{os.environ.get('LISTEN_ON', '127.0.0.1')}:4000") as channel:
    reply: bytes = channel.unary_unary("/api.DagsterApi/ListRepositories")(b"", timeout=4)
if b'"ListRepositoriesResponse"' not in reply:
    sys.exit(f"the code location does not load: {reply[:2000].decode(errors='replace')}")

for role, where in LOGINS.items():
    host, port = os.environ[f"{where}_HOST"], os.environ.get(f"{where}_PORT", "5432")
    database = os.environ.get(f"{where}_DB", "warehouse")
    try:
        connection = psycopg2.connect(host=host, port=port, user=role, dbname=database, connect_timeout=2)
        # The pool lets in whom it knows; only a question goes on to Postgres.
        connection.cursor().execute("SELECT 1")
    except psycopg2.Error as error:
        sys.exit(f"{role} cannot use the database {database}: {error}`make up` sets a role right that user code has changed.")
