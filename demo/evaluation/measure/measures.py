"""The names of all measures, and of the variants that several modules share."""

from __future__ import annotations

from enum import StrEnum
from typing import Never, Self

YES_OR_NO = "1 = yes"


class UnknownMeasureError(ValueError):
    """A name is no measure. Without this error, a misspelt measure would look like one that was not played."""


class Measure(StrEnum):
    """A measure, by its name in the report. `unit` is the unit of its values."""

    unit: str

    def __new__(cls, text: str, unit: str = "") -> Self:
        """Makes a member that equals its text. A call with a text alone finds the member."""
        member = str.__new__(cls, text)
        member._value_, member.unit = text, unit
        return member

    @classmethod
    def _missing_(cls, value: object) -> Never:
        raise UnknownMeasureError(f"'{value}' is not a measure; demo/evaluation/measure/measures.py lists all measures")

    # Cost.
    STEPS = "steps executed", "steps"
    RUN_TIME = "time of the runs", "s"
    RUN_SUCCEEDS = "run succeeds", YES_OR_NO
    RUNS_SPENT = "runs spent", "runs"
    STEPS_SPENT = "steps spent", "steps"

    # Lineage.
    LINEAGE_ANSWERS = "questions of lineage answered rightly", "of 3"
    CURRENCY_ANSWERS = "questions of currency answered rightly", "of 2"
    EXTRA_NAMES = "names too many in right answers", "names"
    API_CALLS = "API calls", "calls"
    DEFINITIONS = "definitions to open for the others", "definitions"
    RIGHT_ORIGIN = "right answer: origin", YES_OR_NO
    RIGHT_AFFECTED = "right answer: affected", YES_OR_NO
    RIGHT_DOUGH = "right answer: made of dough", YES_OR_NO
    RIGHT_BEFORE = "right answer: current before the fetch", YES_OR_NO
    RIGHT_AFTER = "right answer: current after the fetch", YES_OR_NO
    RIGHT_OWN_STATUS = "right answer: current after the fetch, by its own status", YES_OR_NO
    RIGHT_REASON = "right answer: why it is not current", YES_OR_NO
    EDGES = "edges of the job's own graph", "edges"
    WIRING = "lines that only wire steps", "lines"

    # Re-use.
    ROWS_AGAIN = "rows fetched again", "rows"
    LINES_TO_WRITE = "lines to write", "lines"
    KNOWN_SOURCES = "sources that Dagster knows of", "of 2"
    EQUAL_PRODUCTS = "products are equal", YES_OR_NO

    # Freshness.
    UNTIL_STALE = "from the last good data until it is marked stale", "s"
    UNTIL_FAILURE = "from the silence until a run has failed", "s"
    UNTIL_KNOWN = "from the silence until somebody could know", "s"
    UNTIL_FRESH = "from publication to a fresh summary", "s"
    UNTIL_RAW_DATA = "from publication to fresh raw data", "s"
    STEPS_UNTIL_CHECK = "steps until the check has failed", "steps"
    STEPS_AFTER_EGGS = "steps after buying eggs", "steps"
    CHECK_STOPS_EGGS = "the hand-written check stops old eggs", YES_OR_NO
    EGGS_MARKED = "Dagster marks eggs whose date was changed in the table", YES_OR_NO
    VERSION_LINES = "lines that make a data version of the content", "lines"

    # Debugging.
    CALLS_TO_CULPRIT = "API calls from alert to culprit", "calls"
    READABLE_ROWS = "rows that stayed readable", "rows"
    BAD_RECORDS = "bad records in the warehouse meanwhile", "records"
    WARNINGS = "failed steps or checks that warn", "warnings"
    CHECK_LINES = "lines of the hand-written check", "lines"
    CALLS_TO_REASON = "API calls from bad cookies to the reason", "calls"

    # Beyond the lesson.
    UNTIL_LAST_END = "from request to last end", "s"
    RUNS_SUCCEEDED = "runs that succeeded", "runs"
    CATALOG_ENTRIES = "entries left in the catalog", "entries"
    TABLE_MOVED = "table moved", YES_OR_NO


class Variant(StrEnum):
    """A way to do the work, as the report names it."""

    JOB = "job"
    ASSETS = "assets"
    SCRATCH = "job, from scratch"
    FAILURE = "job, from failure"
    CHOSEN = "job, chosen steps"
    FORK = "job, from the source"
    AFFECTED = "assets, what is affected"
    ASSETS_AGAIN = "assets, from failure"
