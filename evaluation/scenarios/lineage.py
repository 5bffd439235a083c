"""Lineage: where something comes from, whether it is current, and what a change affects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evaluation.figures import Style
from evaluation.graphs import asset_graph, closure, names, op_graph, reversed_graph
from evaluation.scenario import Scenario
from evaluation.source_lines import lines_of, wiring_lines

RAW, TABLE, CSV, SUMMARY = "raw_user_data", "transformed_user_data", "user_data_csv", "data_extraction_summary"
FETCH, TRANSFORM, SAVE, SUMMARISE = "fetch_data_from_api", "transform_data", "save_to_csv", "generate_summary"
READING = "posts_by_city_from_tables_job"
# Which definitions hold the answer that a job's graph does not give: read and written down by a person.
HOLDING = {
    "origin": [("data_extraction.py", SUMMARISE)],
    "current before the fetch": [("data_extraction.py", FETCH)],
    "current after the fetch": [("data_extraction.py", FETCH)],
    "affected": [("posts.py", "read_users"), ("posts.py", READING)],
    "made of dough": [("cookies.py", "cookie_job"), ("cookies.py", "peanut_cookie_job")],
}


class Lineage(Scenario):
    """Five questions to the API, in both styles. Truth is what the code does, and what the source has published."""

    name = "lineage"
    situation = "Lineage"
    title = "Where does the summary come from, is it current, and what would a change affect?"
    lane = "users"
    # Nothing may follow the raw data before the questions are asked.
    holds = frozenset({"sensor"})
    story = (
        "The source publishes new data; a little later the raw asset is fetched, and nothing downstream is made yet. Of what is "
        "the summary made? Is it current, before and after that fetch? What does a change of the raw data affect, in every job? "
        "What is made of cookie dough?"
    )

    sensor_was_on = True

    def set_up(self) -> None:
        """Everything is current; then the source publishes."""
        self.sensor_was_on = self.stage.sensor().is_on()
        self.stage.sensor().turn(on=False)
        launched = [self.stage.client.launch(job) for job in ("users_assets_job", "data_extraction_job")]
        for style, run_id in zip((Style.ASSET, Style.TASK), launched, strict=True):
            self.acted(style, self.stage.ended(run_id))
        self.stage.source(publish=True)
        self.moments.append(("source publishes", self.stage.databases.now()))
        self.answers: list[tuple[str, Style, bool, int]] = []
        self.extra = dict.fromkeys(Style, 0)

    def ask(self, question: str, style: Style, answer: Callable[[], Any], truth: Any) -> None:
        """Notes whether the API's answer is right, and what it took. A set that holds more than the truth is right, and noted."""
        given, calls = self.stage.calls(answer)
        if isinstance(truth, set) and truth < given:
            self.extra[style] += len(given - truth)
            given = truth
        self.answers.append((question, style, given == truth, calls))

    def task_centric(self) -> None:
        """From the graphs of ops, and the record of runs."""
        self.ask("origin", Style.TASK, lambda: closure(SUMMARISE, self.ops("data_extraction_job")), {FETCH, TRANSFORM})
        self.ask("current before the fetch", Style.TASK, self.last_run_succeeded, truth=False)
        self.ask("affected", Style.TASK, self.below_fetch, {TRANSFORM, SAVE, SUMMARISE, "read_users", "count_posts_by_city"})
        self.ask("made of dough", Style.TASK, self.below_dough, {"bake_cookies", "fold_in_peanuts"})
        self.edges = sum(len(above) for above in self.ops("data_extraction_job").values())

    def ops(self, job: str) -> dict[str, set[str]]:
        """A job's graph."""
        return op_graph(self.stage.job(job))

    def last_run_succeeded(self) -> bool:
        """What there is to know about a job: how its last run ended."""
        (last,) = self.stage.client.runs(pipelineName="data_extraction_job", limit=1)
        return last.status == "SUCCESS"

    def below_fetch(self) -> set[str]:
        """What comes after the fetch, in this job and in the one that reads its table."""
        return closure(FETCH, reversed_graph(self.ops("data_extraction_job") | self.ops(READING)))

    def below_dough(self) -> set[str]:
        """What comes after the dough, in both jobs that make some."""
        jobs = ("cookie_job", "peanut_cookie_job")
        return {op for job in jobs for op in closure("mix_cookie_dough", reversed_graph(self.ops(job)))}

    def asset_centric(self) -> None:
        """From the graph of assets, and what Dagster knows about each; then the raw data is fetched."""
        self.ask("origin", Style.ASSET, lambda: self.around(SUMMARY, "dependencyKeys"), {RAW, TABLE})
        self.ask("current before the fetch", Style.ASSET, lambda: self.is_current()[0], truth=False)
        self.ask("affected", Style.ASSET, lambda: self.around(RAW, "dependedByKeys"), {TABLE, CSV, SUMMARY, "posts_by_city"})
        made = {"cookies", "peanut_cookie_dough", "peanut_cookies"}
        self.ask("made of dough", Style.ASSET, lambda: self.around("cookie_dough", "dependedByKeys"), made)
        self.acted(Style.ASSET, self.stage.materialize(RAW))
        self.moments.append(("raw data fetched", self.stage.databases.now()))
        self.ask("current after the fetch", Style.ASSET, lambda: self.is_current()[0], truth=False)
        self.ask("current after the fetch", Style.TASK, self.last_run_succeeded, truth=False)
        self.reasons = self.is_current()[1]

    def around(self, asset: str, direction: str) -> set[str]:
        """Everything above or below an asset."""
        return closure(asset, asset_graph(self.stage.assets(), direction))

    def is_current(self) -> tuple[bool, set[str]]:
        """Whether the whole way to the summary is current, and what is named as the cause where it is not.

        Dagster compares an asset with what it is directly made of: the status of the summary alone does not tell.
        """
        found = self.stage.assets()
        way = closure(SUMMARY, asset_graph(found, "dependencyKeys")) | {SUMMARY}
        nodes = [node for node in found if names([node["assetKey"]]) <= way]
        self.own_status = next(node["staleStatus"] for node in nodes if names([node["assetKey"]]) == {SUMMARY})
        reasons = {key for node in nodes for key in names([cause["key"] for cause in node["staleCauses"]])}
        return all(node["staleStatus"] == "FRESH" for node in nodes), reasons

    def measure(self) -> None:
        """Questions answered rightly, calls, and what a person must open for the others."""
        for style in Style:
            mine = [(right, calls) for _, of, right, calls in self.answers if of is style]
            self.add("questions answered rightly", style.label, style, sum(right for right, _ in mine), "of 5")
            self.add("wrong or missing answers", style.label, style, sum(not right for right, _ in mine), "of 5")
            self.add("names too many in right answers", style.label, style, self.extra[style], "names")
            self.add("API calls", style.label, style, sum(calls for _, calls in mine), "calls")
            self.add(
                "definitions to open for the others, read by a person", style.label, style, self.to_open(style), "definitions"
            )
        for question, style, right, _ in self.answers:
            self.add(f"right answer: {question}", style.label, style, float(right), "1 = yes")
        own, why = float(self.own_status == "STALE"), float(self.reasons == {RAW})
        self.add("right answer: current after the fetch, by its own status", "assets", Style.ASSET, own, "1 = yes")
        self.add("right answer: why it is not current", "assets", Style.ASSET, why, "1 = yes")
        self.add("edges of the job's own graph", "job", Style.TASK, self.edges, "edges")
        self.add("lines that only wire steps", "job", Style.TASK, wiring_lines("defs/jobs/data_extraction.py"), "lines")
        self.add("lines that only wire steps", "assets", Style.ASSET, wiring_lines("defs/assets/users.py"), "lines")

    def to_open(self, style: Style) -> int:
        """Definitions that hold the answers which the API did not give. What is not in the code is not counted."""
        missing = [question for question, of, right, _ in self.answers if of is style and not right]
        definitions = {definition for question in missing for definition in HOLDING[question]} if style is Style.TASK else set()
        return sum(lines_of(f"defs/jobs/{file}", name) > 0 for file, name in definitions)

    def restore(self) -> None:
        """The sensor is as it was, and what the publication has made stale is made."""
        self.stage.materialize(TABLE, CSV, SUMMARY)
        self.stage.sensor().turn(on=self.sensor_was_on)
