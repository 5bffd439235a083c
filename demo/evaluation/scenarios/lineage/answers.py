"""The questions of lineage, and the definitions that hold their answers."""

from __future__ import annotations

from collections.abc import Iterable

from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.measures import Measure
from demo.evaluation.scenarios import cookies

RAW, TABLE, CSV, SUMMARY = "raw_user_data", "transformed_user_data", "user_data_csv", "data_extraction_summary"
FETCH, TRANSFORM, SAVE, SUMMARISE = "fetch_data_from_api", "transform_data", "save_to_csv", "generate_summary"
JOB, READING = "data_extraction_job", "posts_by_city_from_tables_job"
# The questions, by the measure of their answers.
ORIGIN, AFFECTED, DOUGH = Measure.RIGHT_ORIGIN, Measure.RIGHT_AFFECTED, Measure.RIGHT_DOUGH
LINEAGE = (ORIGIN, AFFECTED, DOUGH)
BEFORE, AFTER = Measure.RIGHT_BEFORE, Measure.RIGHT_AFTER
# Definitions that a person must read where the API has no answer. None shows what the source published.
HOLDING: dict[tuple[Style, Measure], list[tuple[str, str]]] = {
    (Style.TASK, ORIGIN): [("defs/jobs/data_extraction.py", SUMMARISE)],
    (Style.TASK, AFFECTED): [("defs/jobs/posts.py", "read_users"), ("defs/jobs/posts.py", READING)],
    (Style.TASK, DOUGH): [(cookies.JOBS_FILE, "cookie_job"), (cookies.JOBS_FILE, "peanut_cookie_job")],
    (Style.ASSET, ORIGIN): [("defs/assets/users.py", SUMMARY), ("defs/assets/users.py", TABLE)],
    (Style.ASSET, AFFECTED): [("defs/assets/users.py", name) for name in (TABLE, CSV, SUMMARY)],
    (Style.ASSET, DOUGH): [(cookies.ASSETS_FILE, name) for name in ("cookies", "peanut_cookie_dough", "peanut_cookies")],
}


def to_open(style: Style, questions: Iterable[Measure]) -> int:
    """The number of definitions that hold the answers to some questions."""
    return len({definition for question in questions for definition in HOLDING.get((style, question), ())})
