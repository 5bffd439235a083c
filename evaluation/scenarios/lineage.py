"""Lineage: where something comes from, whether it is current, and what a change affects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evaluation.figures import Style
from evaluation.scenario import Scenario
from evaluation.source_lines import lines_of, wiring_lines
from evaluation.stage import names

RAW, TABLE, SUMMARY = "raw_user_data", "transformed_user_data", "data_extraction_summary"
# What a person knows who has read all of the code.
ORIGIN = {RAW, TABLE}
ORIGIN_OPS = {"fetch_data_from_api", "transform_data"}
AFFECTED = {TABLE, "user_data_csv", SUMMARY, "posts_by_city"}
AFFECTED_OPS = {"transform_data", "save_to_csv", "generate_summary"}
MADE_OF_DOUGH = {"cookies", "peanut_cookie_dough", "peanut_cookies"}


def closure(start: str, edges: dict[str, set[str]]) -> set[str]:
    """Everything that can be reached from `start`, which is not part of it."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


class Lineage(Scenario):
    """Four questions to the API, in both styles. Truth is what the code does."""

    name = "lineage"
    situation = "Lineage"
    title = "Where does the summary come from, is it current, and what would a change affect?"
    lane = "users"
    story = (
        "The source publishes, and the raw data is fetched; nothing downstream is made yet. Four questions follow. Of what is "
        "data_extraction_summary made? Is it current? What does a change of raw_user_data affect? What is made of cookie dough?"
    )

    def set_up(self) -> None:
        """Raw data is newer than what is made of it; the job has run, successfully, before the publication."""
        self.stage.materialize(RAW, TABLE, "user_data_csv", SUMMARY)
        self.sensor_was_on = self.stage.sensor().is_on()
        self.stage.sensor().turn(on=False)
        self.stage.source(publish=True)
        self.acted(Style.ASSET, self.stage.materialize(RAW))
        self.answers: list[tuple[str, Style, bool, int]] = []

    def ask(self, question: str, style: Style, answer: Callable[[], Any], truth: Any) -> None:
        """Notes whether the API's answer is right, and what it took."""
        given, calls = self.stage.calls(answer)
        self.answers.append((question, style, given == truth, calls))

    def task_centric(self) -> None:
        """From the graph of ops, and the record of runs."""

        def graph() -> dict[str, set[str]]:
            ops = self.stage.job("data_extraction_job")
            return {
                op["name"]: {output["solid"]["name"] for given in op["inputs"] for output in given["dependsOn"]} for op in ops
            }

        def last_run_is_current() -> bool:
            (last,) = self.stage.client.runs(pipelineName="data_extraction_job", limit=1)
            return last.status == "SUCCESS"

        def downstream() -> set[str]:
            up = graph()
            return closure("fetch_data_from_api", {op: {other for other in up if op in up[other]} for op in up})

        def users_of_dough() -> set[str]:
            jobs = ("cookie_job", "peanut_cookie_job")
            return {op["name"] for job in jobs for op in self.stage.job(job) if op["definition"]["assetNodes"]}

        self.edges = sum(len(above) for above in graph().values())
        self.ask("origin", Style.TASK, lambda: closure("generate_summary", graph()), ORIGIN_OPS)
        self.ask("current", Style.TASK, last_run_is_current, truth=False)
        # The ops are found; that posts_by_city_from_tables_job reads the table is written in an op's body only.
        self.ask("affected", Style.TASK, lambda: downstream() | self._readers_of_the_table(), AFFECTED_OPS | {"posts_by_city"})
        self.ask("made of dough", Style.TASK, users_of_dough, MADE_OF_DOUGH)

    def _readers_of_the_table(self) -> set[str]:
        ops = self.stage.job("posts_by_city_from_tables_job")
        return {node["assetKey"]["path"][-1] for op in ops for node in op["definition"]["assetNodes"]}

    def asset_centric(self) -> None:
        """From the graph of assets, and what Dagster knows about each."""

        def graph(direction: str) -> dict[str, set[str]]:
            return {"/".join(node["assetKey"]["path"]): names(node[direction]) for node in self.stage.assets()}

        def is_current() -> tuple[bool, set[str]]:
            """Dagster compares an asset with what it is directly made of; the whole way takes a look at all."""
            nodes = {"/".join(node["assetKey"]["path"]): node for node in self.stage.assets()}
            way = closure(SUMMARY, {name: names(node["dependencyKeys"]) for name, node in nodes.items()}) | {SUMMARY}
            self.own_status = nodes[SUMMARY]["staleStatus"]
            reasons = {key for name in way for key in names([cause["key"] for cause in nodes[name]["staleCauses"]])}
            return all(nodes[name]["staleStatus"] == "FRESH" for name in way), reasons

        self.ask("origin", Style.ASSET, lambda: closure(SUMMARY, graph("dependencyKeys")), ORIGIN)
        self.ask("current", Style.ASSET, is_current, (False, {RAW}))
        self.ask("affected", Style.ASSET, lambda: closure(RAW, graph("dependedByKeys")), AFFECTED)
        self.ask("made of dough", Style.ASSET, lambda: closure("cookie_dough", graph("dependedByKeys")), MADE_OF_DOUGH)

    def measure(self) -> None:
        """Questions answered rightly, calls, and what a person must open for the others."""
        for style in Style:
            mine = [(right, calls) for _, of, right, calls in self.answers if of is style]
            label = "job" if style is Style.TASK else "assets"
            self.add("questions answered rightly", label, style, sum(right for right, _ in mine), "of 4")
            self.add("wrong or missing answers", label, style, sum(not right for right, _ in mine), "of 4")
            self.add("API calls", label, style, sum(calls for _, calls in mine), "calls")
        self.add("definitions to open in the code", "job", Style.TASK, self.to_open(), "definitions")
        self.add("definitions to open in the code", "assets", Style.ASSET, 0, "definitions")
        self.add("edges of the job's own graph", "job", Style.TASK, self.edges, "edges")
        for question, style, right, _ in self.answers:
            label = "job" if style is Style.TASK else "assets"
            self.add(f"right answer: {question}", label, style, float(right), "1 = yes")
        self.add("right answer: current, by its own status", "assets", Style.ASSET, float(self.own_status == "STALE"), "1 = yes")
        wired = wiring_lines("defs/jobs/data_extraction.py", "data_extraction_job")
        self.add("lines that only wire steps", "job", Style.TASK, wired, "lines")
        self.add("lines that only wire steps", "assets", Style.ASSET, 0, "lines")

    def to_open(self) -> int:
        """Functions of the code that hold the answers that the API did not give."""
        holding = {
            "origin": [("defs/jobs/data_extraction.py", "generate_summary"), ("defs/jobs/data_extraction.py", "save_to_csv")],
            "current": [("defs/jobs/data_extraction.py", "fetch_data_from_api")],
            "affected": [("defs/jobs/posts.py", "read_users"), ("defs/jobs/posts.py", "posts_by_city_from_tables_job")],
            "made of dough": [("defs/jobs/cookies.py", "cookie_job"), ("defs/jobs/cookies.py", "peanut_cookie_job")],
        }
        missing = [question for question, style, right, _ in self.answers if style is Style.TASK and not right]
        functions = [function for question in missing for function in holding[question]]
        return sum(lines_of(file, name) > 0 for file, name in functions)

    def restore(self) -> None:
        """The sensor is as it was."""
        self.stage.sensor().turn(on=self.sensor_was_on)
