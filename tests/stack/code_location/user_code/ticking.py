"""A run writes a row every twentieth of a second: a test sees whether two attempts of it were executed at the same time."""

import os
import socket
import time

import dagster as dg
import psycopg2

TABLE = "CREATE TABLE IF NOT EXISTS ticks (root text, run text, at timestamptz DEFAULT clock_timestamp(), host text)"


@dg.op(config_schema={"seconds": dg.Field(float, default_value=0.5)})
def tick(context: dg.OpExecutionContext) -> None:
    """Writes rows for as long as its configuration says."""
    root = context.run.root_run_id or context.run_id
    connection = psycopg2.connect(host=os.environ["WAREHOUSE_HOST"], user="warehouse", dbname="warehouse")
    connection.autocommit = True
    cursor = connection.cursor()
    until = time.monotonic() + context.op_config["seconds"]
    while time.monotonic() < until:
        cursor.execute("INSERT INTO ticks (root, run, host) VALUES (%s, %s, %s)", (root, context.run_id, socket.gethostname()))
        time.sleep(0.05)


@dg.op
def make_table() -> None:
    """Makes the table."""
    connection = psycopg2.connect(host=os.environ["WAREHOUSE_HOST"], user="warehouse", dbname="warehouse")
    with connection, connection.cursor() as cursor:
        cursor.execute(TABLE)


@dg.job(executor_def=dg.in_process_executor)
def tick_job() -> None:
    """Writes rows."""
    tick()


@dg.job(executor_def=dg.in_process_executor)
def tick_table_job() -> None:
    """Makes the table of `tick_job`."""
    make_table()


JOBS = [tick_job, tick_table_job]
