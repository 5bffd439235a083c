"""Makes `--read-only` also refuse a query that runs user code: the evaluation of a schedule for a future tick.

Dagster refuses a dry run of a schedule or sensor there, but not the same as a query, `futureTick { evaluationResult }`.
"""

from typing import Any

from dagster_graphql.schema.instigation import GrapheneDryRunInstigationTick, GrapheneTickEvaluation
from dagster_shared.error import SerializableErrorInfo

from dagster_deployment.mending import replace

REFUSED = "Viewers can look: to evaluate a schedule or a sensor would run its code."


def let_viewers_look_only() -> None:
    """Changes this whole process, which was started with `--read-only`."""
    evaluate = GrapheneDryRunInstigationTick.resolve_evaluationResult

    def evaluated(tick: GrapheneDryRunInstigationTick, info: Any) -> Any:
        if info.context.read_only:
            return GrapheneTickEvaluation(SerializableErrorInfo(REFUSED, [], None), None)  # type: ignore[arg-type]
        return evaluate(tick, info)

    replace(GrapheneDryRunInstigationTick, "resolve_evaluationResult", evaluated)
