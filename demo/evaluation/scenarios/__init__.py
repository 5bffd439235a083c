"""The scenarios. One folder holds all that belongs to a situation: playing, measuring, claims, lines of the summary."""

from demo.evaluation.play.scenario import Scenario
from demo.evaluation.scenarios.beyond.backfill import Backfill
from demo.evaluation.scenarios.beyond.one_off import OneOff
from demo.evaluation.scenarios.debugging.bad_record import BadRecord
from demo.evaluation.scenarios.debugging.blocked_table import BlockedTable
from demo.evaluation.scenarios.debugging.overmixed_dough import OvermixedDough
from demo.evaluation.scenarios.freshness.expired_eggs import ExpiredEggs
from demo.evaluation.scenarios.freshness.nothing_new import NothingNew
from demo.evaluation.scenarios.freshness.silent_source import SilentSource
from demo.evaluation.scenarios.lineage.scenario import Lineage
from demo.evaluation.scenarios.reuse.peanut_cookies import PeanutCookies
from demo.evaluation.scenarios.reuse.posts_by_city import PostsByCity

# In the order of the report. Those of a lane are played in this sequence.
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
