"""The chains of tasks as jobs of ops and of assets."""

from __future__ import annotations

import dagster as dg

from fibonacci.chains import CHAINS, fibonacci


def ops_job(name: str, count: int, n: int) -> dg.JobDefinition:
    """A job of ops, each of which waits for the one before."""

    @dg.op(name=f"{name}_op", ins={"start": dg.In(dg.Nothing)}, out=dg.Out(int, is_required=False))
    def compute() -> int:
        return fibonacci(n)

    @dg.graph(name=f"{name}_ops")
    def chain() -> None:
        before = None
        for number in range(count):
            task = compute.alias(f"task_{number:02}")
            before = task(start=before) if before is not None else task()

    return chain.to_job(executor_def=dg.in_process_executor)


def assets(name: str, count: int, n: int) -> list[dg.AssetsDefinition]:
    """Assets, each of which depends on the one before."""

    def asset(number: int) -> dg.AssetsDefinition:
        deps = [f"{name}_{number - 1:02}"] if number else []

        @dg.asset(name=f"{name}_{number:02}", deps=deps)
        def compute() -> int:
            return fibonacci(n)

        return compute

    return [asset(number) for number in range(count)]


def definitions() -> dg.Definitions:
    """All chains in both styles."""
    chains = {name: assets(name, *size) for name, size in CHAINS.items()}
    return dg.Definitions(
        assets=[each for chain in chains.values() for each in chain],
        jobs=[
            *(ops_job(name, *size) for name, size in CHAINS.items()),
            *(dg.define_asset_job(f"{name}_assets", chain) for name, chain in chains.items()),
        ],
        executor=dg.in_process_executor,
    )


defs = definitions()
