"""Steps of these jobs ignore an interrupt, wait for a retry, exceed a limit, or print their surroundings."""

import os
import signal
import time

import dagster as dg

from user_code import alerting, letters, ticking, traces
from user_code.limits import ACTS, CAUGHT
from user_code.places import described_surroundings

TRIES = dg.RetryPolicy(max_retries=2)


@dg.op(retry_policy=TRIES)
def sleep_long(context: dg.OpExecutionContext) -> None:
    """Logs its start, and works for a minute in short sleeps."""
    context.log.info("attempt begun")
    for _ in range(600):
        time.sleep(0.1)


@dg.op
def sleep_short() -> None:
    """Runs as the first of two steps."""
    time.sleep(1)


@dg.op(retry_policy=TRIES, ins={"start": dg.In(dg.Nothing)})
def sleep_after(context: dg.OpExecutionContext) -> None:
    """Runs as the second of two steps."""
    context.log.info("attempt begun")
    time.sleep(60)


@dg.op(retry_policy=dg.RetryPolicy(max_retries=2, delay=300))
def fail_and_wait() -> None:
    """Fails, and waits five minutes for its retry."""
    raise ValueError("not yet")


@dg.op(retry_policy=TRIES)
def ignore_interrupts(context: dg.OpExecutionContext) -> None:
    """Ignores interrupts, so that only SIGKILL ends it."""
    context.log.info("attempt begun")
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            time.sleep(60)
        except BaseException as error:  # noqa: BLE001 - as careless user code does
            print(f"ignored {type(error).__name__}")


@dg.success_hook
def kill_the_process(_: dg.HookContext) -> None:
    """Kills the process of the run after its last step, before the run has reported its end."""
    os.kill(os.getpid(), signal.SIGKILL)


@dg.job(executor_def=dg.in_process_executor, hooks={kill_the_process})
def done_and_killed_job() -> None:
    """Does all its work, and does not say so."""
    sleep_short()


@dg.op(config_schema={"act": str})
def meet_a_limit(context: dg.OpExecutionContext) -> None:
    """Exceeds the limit that its configuration names."""
    ACTS[context.op_config["act"]]()


@dg.job(executor_def=dg.in_process_executor)
def limits_job() -> None:
    """Meets every limit that fails a step and does not kill the run. Each step is named after its act."""
    for act in CAUGHT:
        dg.configured(meet_a_limit, name=act)({"act": act})()


@dg.op
def look_around() -> None:
    """Prints its environment and its writable folders."""
    print(described_surroundings())


@dg.job(executor_def=dg.in_process_executor)
def two_steps_job() -> None:
    """Runs one step after the other."""
    sleep_after(sleep_short())


@dg.op(pool="oven", retry_policy=TRIES, ins={"start": dg.In(dg.Nothing)})
def bake(context: dg.OpExecutionContext) -> None:
    """Needs a slot of a pool. A first step needs none, because the run would otherwise wait in the queue."""
    context.log.info("attempt begun")
    time.sleep(60)


@dg.graph
def baking() -> None:
    """Runs one step after the other."""
    bake(sleep_short())


def jobs(made: dg.OpDefinition | dg.GraphDefinition, name: str) -> list[dg.JobDefinition]:
    """Returns two jobs of one op or graph, one for each executor."""
    executors = {f"{name}_job": dg.in_process_executor, f"{name}_in_processes_job": dg.multiprocess_executor}
    graph = made if isinstance(made, dg.GraphDefinition) else dg.GraphDefinition(name=name, node_defs=[made])
    return [graph.to_job(name=job, executor_def=executor) for job, executor in executors.items()]


@dg.sensor(job=two_steps_job)
def slow_sensor() -> dg.SkipReason:
    """Takes five seconds."""
    time.sleep(5)
    return dg.SkipReason("five seconds later")


@dg.schedule(job=two_steps_job, cron_schedule="0 0 1 1 *")
def slow_schedule() -> dg.SkipReason:
    """Takes five seconds."""
    time.sleep(5)
    return dg.SkipReason("five seconds later")


JOBS = [
    *letters.JOBS,
    *ticking.JOBS,
    *traces.JOBS,
    *jobs(sleep_long, "sleep"),
    *jobs(fail_and_wait, "wait"),
    *jobs(ignore_interrupts, "deaf"),
    *jobs(meet_a_limit, "limit"),
    *jobs(look_around, "look"),
    *jobs(baking, "pool"),
    limits_job,
    alerting.milk_job,
    two_steps_job,
    done_and_killed_job,
]
defs = dg.Definitions(
    assets=[*letters.ASSETS, alerting.milk],
    asset_checks=letters.CHECKS,
    jobs=JOBS,
    sensors=[slow_sensor],
    schedules=[*letters.SCHEDULES, slow_schedule, alerting.milking_schedule],
)
