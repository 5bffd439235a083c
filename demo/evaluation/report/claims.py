"""All claims with their verdicts, in the order of the two texts."""

from __future__ import annotations

from demo.evaluation.measure.claims import CheckedClaim
from demo.evaluation.measure.results import Results
from demo.evaluation.scenarios import SCENARIOS

# The other claims of the texts.
NOT_PLAYED = (
    "that an asset is out of date because its code has changed; jobs for graphs of computations, for work on no data at all and "
    "for old pipelines; catalog, metadata, and logs by asset; and what no deployment can play: what share of use cases suits "
    "assets, which interface is beautiful, what Dagster recommends"
)


def checked_claims(results: Results) -> list[CheckedClaim]:
    """Compares the claims of all scenarios with the figures, also of scenarios that were not played."""
    claims = [(claim, scenario.name) for scenario in SCENARIOS for claim in scenario.claims]
    return [claim.check(results.of_scenario(name)) for claim, name in sorted(claims, key=lambda pair: pair[0].order)]
