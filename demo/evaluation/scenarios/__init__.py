"""The scenarios, in the order of the report. Those of a lane are played in sequence."""

from demo.evaluation.scenario import Scenario
from demo.evaluation.scenarios.debugging import BadRecord, BlockedTable
from demo.evaluation.scenarios.dough import OvermixedDough
from demo.evaluation.scenarios.eggs import ExpiredEggs, NothingNew
from demo.evaluation.scenarios.freshness import SilentSource
from demo.evaluation.scenarios.lineage import Lineage
from demo.evaluation.scenarios.other import Backfill, OneOff
from demo.evaluation.scenarios.reuse import PeanutCookies, PostsByCity

SCENARIOS: tuple[type[Scenario], ...] = (
    Lineage,
    PostsByCity,
    PeanutCookies,
    SilentSource,
    ExpiredEggs,
    NothingNew,
    BadRecord,
    BlockedTable,
    OvermixedDough,
    Backfill,
    OneOff,
)
