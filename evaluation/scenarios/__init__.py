"""The scenarios, in the order of the report. Those of a lane are played in sequence."""

from evaluation.scenario import Scenario
from evaluation.scenarios.debugging import BadRecord, BlockedTable
from evaluation.scenarios.dough import OvermixedDough
from evaluation.scenarios.eggs import ExpiredEggs, NothingNew
from evaluation.scenarios.freshness import SilentSource
from evaluation.scenarios.lineage import Lineage
from evaluation.scenarios.other import Backfill, OneOff
from evaluation.scenarios.reuse import PeanutCookies, PostsByCity

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
