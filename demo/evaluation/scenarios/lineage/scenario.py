"""Asks both styles for lineage and currency."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dagster_api.client import ASSET_JOB
from dagster_api.runs import Run
from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.graphs import asset_graph, closure, names, op_graph, reversed_graph
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.reported import Question
from demo.evaluation.measure.source_lines import wiring_lines
from demo.evaluation.play.deployment import UnexpectedEndError
from demo.evaluation.play.scenario import Scenario
from demo.evaluation.scenarios.lineage.answers import (
    AFFECTED,
    AFTER,
    BEFORE,
    CSV,
    DOUGH,
    FETCH,
    JOB,
    LINEAGE,
    ORIGIN,
    RAW,
    READING,
    SAVE,
    SUMMARISE,
    SUMMARY,
    TABLE,
    TRANSFORM,
    to_open,
)  # fmt: skip
from demo.evaluation.scenarios.lineage.claims import CLAIMS


class Lineage(Scenario):
    """Asks the API each style's best questions. The code and the source's publications define the truth."""

    name = "lineage"
    situation = "Lineage"
    title = "Where does the summary come from, is it current, and what would a change affect?"
    lane = "users"
    # The sensor must not refresh the downstream assets before the questions.
    holds = frozenset({"sensor"})
    story = (
        "Three questions of lineage: of what is the summary made, what does a change of the raw data affect in every job, what "
        "is made of cookie dough? And is the summary current, once the source has published new data, and once that is fetched, "
        "as an asset and by the first op of the job, while nothing after it is made yet? Where the API has no answer, the "
        "definitions to open for it were listed by hand."
    )
    claims = CLAIMS
    questions = (
        Question("Where it comes from, what it affects", Measure.LINEAGE_ANSWERS, more=True),
        Question("Whether it is current", Measure.CURRENCY_ANSWERS, more=True),
    )
    plotted = Measure.LINEAGE_ANSWERS

    def set_up(self) -> None:
        """Makes the source publish. Before that everything is current, because each repetition leaves it so."""
        self.turn_sensor_off()
        self.whole_job = self.last_run()
        self.undo.callback(self.make_current)
        self.deployment.source(publish=True)
        self.moments.append(("source publishes", self.deployment.databases.now()))
        self.answers: list[tuple[Measure, Style, bool, int]] = []
        self.extra = dict.fromkeys(Style, 0)

    def last_run(self) -> Run:
        """The last run of the job.

        Raises:
            UnexpectedEndError: that run did not make everything.
        """
        (run,) = self.deployment.client.runs(pipelineName=JOB, limit=1)
        if run.status != "SUCCESS" or "dagster/parent_run_id" in run.tags:
            raise UnexpectedEndError(f"the last run of {JOB}, {run.run_id}, is {run.status}, and not of the whole job")
        return run

    def make_current(self) -> None:
        """Refreshes all old data, in both styles in parallel."""
        assets = self.deployment.client.launch(ASSET_JOB, assets=(TABLE, CSV, SUMMARY))
        self.deployment.all_ended(assets, self.deployment.client.launch(JOB))

    def ask(self, question: Measure, style: Style, answer: Callable[[], Any], truth: Any) -> None:
        """Records whether the answer is right, and its calls. A superset of the truth is right; its extra names are counted."""
        given, calls = self.deployment.calls(answer)
        if isinstance(truth, set) and truth < given:
            self.extra[style] += len(given - truth)
            given = truth
        self.answers.append((question, style, given == truth, calls))

    def task_centric(self) -> None:
        """Asks the graphs of ops and the history of runs."""
        self.ask(ORIGIN, Style.TASK, lambda: closure(SUMMARISE, self.ops(JOB)), {FETCH, TRANSFORM})
        self.ask(AFFECTED, Style.TASK, self.below_fetch, {TRANSFORM, SAVE, SUMMARISE, "read_users", "count_posts_by_city"})
        self.ask(DOUGH, Style.TASK, self.below_dough, {"bake_cookies", "fold_in_peanuts"})
        self.ask(BEFORE, Style.TASK, self.summary_is_of_last_fetch, truth=False)
        self.edges = sum(len(above) for above in self.ops(JOB).values())

    def ops(self, job: str) -> dict[str, set[str]]:
        """The graph of a job's ops."""
        return op_graph(self.deployment.job(job))

    def summary_is_of_last_fetch(self) -> bool:
        """Whether the last run that fetched also made a summary: no mark says so, only the run history."""
        for run in self.deployment.client.runs(pipelineName=JOB, limit=10):
            steps = self.deployment.client.run(run.run_id).steps
            if steps.get(FETCH) == "SUCCESS":
                return steps.get(SUMMARISE) == "SUCCESS"
        raise UnexpectedEndError(f"{JOB} has fetched nothing in its last ten runs")

    def below_fetch(self) -> set[str]:
        """The ops downstream of the fetch, in this job and in the job that reads its table."""
        return closure(FETCH, reversed_graph(self.ops(JOB) | self.ops(READING)))

    def below_dough(self) -> set[str]:
        """The ops downstream of the dough, in both jobs that make it."""
        jobs = ("cookie_job", "peanut_cookie_job")
        return {op for job in jobs for op in closure("mix_cookie_dough", reversed_graph(self.ops(job)))}

    def asset_centric(self) -> None:
        """Asks the graph of assets and their statuses. Between the questions, only the first asset and the first op run."""
        self.ask(ORIGIN, Style.ASSET, lambda: self.around(SUMMARY, "dependencyKeys"), {RAW, TABLE})
        self.ask(AFFECTED, Style.ASSET, lambda: self.around(RAW, "dependedByKeys"), {TABLE, CSV, SUMMARY, "posts_by_city"})
        made = {"cookies", "peanut_cookie_dough", "peanut_cookies"}
        self.ask(DOUGH, Style.ASSET, lambda: self.around("cookie_dough", "dependedByKeys"), made)
        self.ask(BEFORE, Style.ASSET, lambda: self.is_current()[0], truth=False)
        asset = self.deployment.client.launch(ASSET_JOB, assets=(RAW,))
        self.acted(Style.TASK, self.deployment.steps_again(self.whole_job, [FETCH], {}))
        self.acted(Style.ASSET, self.deployment.ended(asset))
        self.moments.append(("fetched", self.deployment.databases.now()))
        self.ask(AFTER, Style.TASK, self.summary_is_of_last_fetch, truth=False)
        self.ask(AFTER, Style.ASSET, lambda: self.is_current()[0], truth=False)
        self.reasons = self.is_current()[1]

    def around(self, asset: str, direction: str) -> set[str]:
        """All assets upstream or downstream of an asset."""
        return closure(asset, asset_graph(self.deployment.assets(), direction))

    def is_current(self) -> tuple[bool, set[str]]:
        """Whether the summary and its upstream are current, and the causes that Dagster names if not.

        Dagster compares an asset only with its direct parents. So the summary's own status is not enough.
        """
        found = self.deployment.assets()
        way = closure(SUMMARY, asset_graph(found, "dependencyKeys")) | {SUMMARY}
        nodes = [node for node in found if names([node["assetKey"]]) <= way]
        self.own_status = next(node["staleStatus"] for node in nodes if names([node["assetKey"]]) == {SUMMARY})
        reasons = {key for node in nodes for key in names([cause["key"] for cause in node["staleCauses"]])}
        return all(node["staleStatus"] == "FRESH" for node in nodes), reasons

    def measure(self) -> None:
        """Adds the right answers, the calls, and the definitions to open for the others."""
        for style in Style:
            self.measure_answers(style)
        for question, style, right, _ in self.answers:
            self.add(question, style.label, style, float(right))
        own, why = float(self.own_status == "STALE"), float(self.reasons == {RAW})
        self.add(Measure.RIGHT_OWN_STATUS, Variant.ASSETS, Style.ASSET, own)
        self.add(Measure.RIGHT_REASON, Variant.ASSETS, Style.ASSET, why)
        self.add(Measure.EDGES, Variant.JOB, Style.TASK, self.edges)
        self.add(Measure.WIRING, Variant.JOB, Style.TASK, wiring_lines("defs/jobs/data_extraction.py"))
        self.add(Measure.WIRING, Variant.ASSETS, Style.ASSET, wiring_lines("defs/assets/users.py"))

    def measure_answers(self, style: Style) -> None:
        """Adds the right answers of a style, and the effort."""
        mine = [(question, right, calls) for question, of, right, calls in self.answers if of is style]
        lineage = sum(right for question, right, _ in mine if question in LINEAGE)
        missing = [question for question, right, _ in mine if not right]
        for measure, value in (
            (Measure.LINEAGE_ANSWERS, lineage),
            (Measure.CURRENCY_ANSWERS, sum(right for _, right, _ in mine) - lineage),
            (Measure.EXTRA_NAMES, self.extra[style]),
            (Measure.API_CALLS, sum(calls for *_, calls in mine)),
            (Measure.DEFINITIONS, to_open(style, missing)),
        ):
            self.add(measure, style.label, style, value)
