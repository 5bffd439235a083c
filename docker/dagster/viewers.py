"""What `--read-only` lets through although it runs user code: a question for a tick to come evaluates the schedule.

Dagster refuses a dry run of a schedule or a sensor there, but not the query `futureTick { evaluationResult }`, which is the same.
"""

from typing import Any

from dagster_deployment.mending import replace
from dagster_graphql.schema.instigation import GrapheneDryRunInstigationTick, GrapheneTickEvaluation
from dagster_shared.error import SerializableErrorInfo

REFUSED = "Viewers can look: to evaluate a schedule or a sensor would run its code."


def let_viewers_look_only() -> None:
    """For all of this process, where it was started with `--read-only`."""
    evaluate = GrapheneDryRunInstigationTick.resolve_evaluationResult

    def evaluated(tick: GrapheneDryRunInstigationTick, info: Any) -> Any:
        if info.context.read_only:
            return GrapheneTickEvaluation(SerializableErrorInfo(REFUSED, [], None), None)  # type: ignore[arg-type]
        return evaluate(tick, info)

    replace(GrapheneDryRunInstigationTick, "resolve_evaluationResult", evaluated)
