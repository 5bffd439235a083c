"""Everyday work: two assets, jobs of one step, and schedules. Files in `data/` make a step fail or wait."""

import os
import time
from datetime import timedelta
from pathlib import Path

import dagster as dg
import psycopg2

# A test creates these files in the volume of the code location, and removes them.
FAIL, HOLD = Path("data/fail"), Path("data/hold")
SMOKE = {"smoke": True}


@dg.asset(group_name="letters", freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=1)))
def greeting() -> str:
    """Fails while the file `data/fail` exists."""
    if FAIL.exists():
        raise RuntimeError("no greeting today")
    return "hello"


@dg.asset(group_name="letters")
def letter(context: dg.AssetExecutionContext, greeting: str) -> None:
    """Reads the value that an earlier step has stored."""
    context.log.info("%s, world", greeting)


@dg.asset_check(asset=greeting)
def greeting_is_polite(greeting: str) -> dg.AssetCheckResult:
    """Gives the UI a check to show."""
    return dg.AssetCheckResult(passed=greeting == "hello")


@dg.op
def say() -> None:
    """Prints a line. Fails while the file `data/fail` exists."""
    if FAIL.exists():
        raise RuntimeError("nothing to say")
    print("said on stdout")


@dg.job(executor_def=dg.in_process_executor, metadata=SMOKE)
def quick_job() -> None:
    """Runs one step."""
    say()


@dg.op
def wait_for_release(context: dg.OpExecutionContext) -> None:
    """Waits while the file `data/hold` exists, for ten minutes at most."""
    context.log.info("attempt begun")
    deadline = time.monotonic() + 600
    while HOLD.exists():
        if time.monotonic() > deadline:
            raise TimeoutError("no test has removed data/hold")
        time.sleep(0.1)


@dg.job(executor_def=dg.in_process_executor)
def held_job() -> None:
    """Runs until a test removes the file `data/hold`."""
    wait_for_release()


@dg.op
def add_row() -> None:
    """Adds a row to a table of the warehouse."""
    connection = psycopg2.connect(host=os.environ["WAREHOUSE_HOST"], user="warehouse", dbname="warehouse")
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS letters (written timestamptz DEFAULT now())")
        cursor.execute("INSERT INTO letters DEFAULT VALUES")
    connection.close()


@dg.job(executor_def=dg.in_process_executor)
def warehouse_job() -> None:
    """Writes to the warehouse."""
    add_row()


letters_job = dg.define_asset_job(
    "letters_job", selection=dg.AssetSelection.groups("letters"), executor_def=dg.in_process_executor, metadata=SMOKE
)
ASSETS, CHECKS = [greeting, letter], [greeting_is_polite]
JOBS = [quick_job, held_job, warehouse_job, letters_job]
SCHEDULES = [
    dg.ScheduleDefinition("letters_schedule", job=letters_job, cron_schedule="* * * * *"),
    dg.ScheduleDefinition("quick_schedule", job=quick_job, cron_schedule="* * * * *"),
]
