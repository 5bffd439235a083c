"""Debugging without a failure: dough that was mixed for too long."""

from __future__ import annotations

from dagster_api.client import ASSET_JOB
from demo.evaluation.measure.claims import Claim, Source
from demo.evaluation.measure.figures import Style, quantity
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.reported import Question
from demo.evaluation.measure.source_lines import lines_of
from demo.evaluation.measure.verdicts import ReasonedVerdict, ScenarioFigures, calls, verdict
from demo.evaluation.play import queries
from demo.evaluation.play.scenario import Scenario
from demo.evaluation.scenarios.cookies import ASSETS_FILE

AFFECTED = ("cookie_dough", "cookies")


def only_the_asset(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if the job saves no steps by running only chosen ones."""
    variants = (Variant.SCRATCH, Variant.CHOSEN, Variant.AFFECTED)
    scratch, chosen, asset = (figures.value(Measure.STEPS, variant) for variant in variants)
    said = f"{asset:.0f} steps as assets, a check included; {scratch:.0f} by the whole job, {chosen:.0f} by chosen steps of it"
    return verdict(holds=asset < scratch <= chosen, partly=asset < scratch), said


def product_is_bad(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if assets warn more than the job, without a hand-written check."""
    signal, silent = (figures.value(Measure.WARNINGS, variant) for variant in (Variant.ASSETS, Variant.JOB))
    job, asset = (figures.value(Measure.CALLS_TO_REASON, variant) for variant in (Variant.JOB, Variant.ASSETS))
    lines = figures.value(Measure.CHECK_LINES, Variant.ASSETS)
    said = (
        f"{quantity(f'{signal:.0f}', 'checks')} of the dough, {lines:.0f} lines written by hand, names the minutes; of the job "
        f"{silent:.0f} steps complain, since it was given no check: a person finds the reason in its log and its configuration; "
        f"{calls(asset)} against {calls(job)}"
    )
    return verdict(holds=signal > silent and lines == 0, partly=signal > silent or asset < job), said


class OvermixedDough(Scenario):
    """No step fails, but the product is bad."""

    name = "debugging_dough"
    situation = "Debugging"
    title = "Overmixed dough"
    lane = "others"
    story = (
        "The dough was mixed for ten minutes, and the cookies are rubbery. No step fails. We have given the asset a check, which "
        "is a step of its own, and the job none; one of its steps could check as well, by failing. Once the reason is found, the "
        "dough is made again for three minutes, and whatever was made of it."
    )
    claims = (
        Claim(Source.COMPARISON, 7, "One asset can be made again alone; a job runs whole.", only_the_asset),
        Claim(Source.LESSON, 10, "With assets, debugging starts at the product that is bad.", product_is_bad),
    )
    questions = (
        Question("Bad cookies: what warns of itself", Measure.WARNINGS, more=True),
        Question("Bad cookies: asking for the reason", Measure.CALLS_TO_REASON),
        Question("Bad cookies: made good, whole job", Measure.STEPS, (Variant.SCRATCH, Variant.AFFECTED)),
        Question("Bad cookies: made good, chosen steps", Measure.STEPS, (Variant.CHOSEN, Variant.AFFECTED)),
    )
    bad, good = 10.0, 3.0

    def set_up(self) -> None:
        """Makes bad cookies in both styles."""
        self.first_time("ingredients", "eggs", "wet_ingredients", "dry_ingredients")
        self.job, _ = self.together(
            self.deployment.client.launch("cookie_job", config=self.config("mix_cookie_dough", self.bad)),
            self.deployment.client.launch(ASSET_JOB, assets=AFFECTED, config=self.config("cookie_dough", self.bad)),
        )

    @staticmethod
    def config(step: str, minutes: float) -> dict[str, object]:
        """The run config that sets a step's mixing time."""
        return {"ops": {step: {"config": {"minutes": minutes}}}}

    def task_centric(self) -> None:
        """Searches the job's log and run config, then runs chosen steps, then the whole job."""
        self.found_by_job = self.deployment.calls(self.culprit_of_job)
        right = self.config("mix_cookie_dough", self.good)
        self.chosen = self.acted(Style.TASK, self.deployment.steps_again(self.job, ["mix_cookie_dough", "bake_cookies"], right))
        self.whole = self.acted(Style.TASK, self.deployment.play("cookie_job", config=right))

    def culprit_of_job(self) -> bool:
        """Whether log and run config of the last run together name the reason."""
        (last,) = self.deployment.client.query(queries.LAST_STORY, job="cookie_job")["runsOrError"]["results"]
        messages = [str(event.get("message")) for event in last["eventConnection"]["events"]]
        return any("rubbery" in message for message in messages) and "minutes: 10" in str(last["runConfigYaml"])

    def asset_centric(self) -> None:
        """Reads the reason from the failed asset check, then materializes the asset and its downstream."""
        self.found_by_check = self.deployment.calls(self.culprit_of_assets)
        right = self.config("cookie_dough", self.good)
        self.again = self.acted(Style.ASSET, self.deployment.materialize(*AFFECTED, config=right))

    def culprit_of_assets(self) -> bool:
        """Whether the asset checks name only the dough, and its minutes."""
        nodes = self.deployment.client.query(queries.CHECKS)["assetNodes"]
        failed = {
            node["assetKey"]["path"][-1]: check["executionForLatestMaterialization"]
            for node in nodes
            for check in node["assetChecksOrError"].get("checks", ())
            if (check["executionForLatestMaterialization"] or {}).get("status") == "FAILED"
        }
        entries = [entry for check in failed.values() for entry in check["evaluation"]["metadataEntries"]]
        self.failed_checks = len(failed)
        return set(failed) == {"cookie_dough"} and any(entry.get("floatValue") == self.bad for entry in entries)

    def failed_steps(self) -> int:
        """The number of failed steps in the job's run."""
        return len(self.deployment.databases.failed_steps(self.job.run_id))

    def measure(self) -> None:
        """Adds the cost to notice, to find and to repair the fault."""
        self.add(Measure.WARNINGS, Variant.JOB, Style.TASK, self.failed_steps())
        self.add(Measure.WARNINGS, Variant.ASSETS, Style.ASSET, self.failed_checks)
        lines = lines_of(ASSETS_FILE, "cookie_dough_is_not_overmixed")
        self.add(Measure.CHECK_LINES, Variant.ASSETS, Style.ASSET, lines)
        for style, (right, asked) in ((Style.TASK, self.found_by_job), (Style.ASSET, self.found_by_check)):
            self.add(Measure.CALLS_TO_REASON, style.label, style, asked if right else None)
        self.add_cost(Variant.SCRATCH, Style.TASK, self.whole)
        self.add_cost(Variant.CHOSEN, Style.TASK, self.chosen)
        self.add_cost(Variant.AFFECTED, Style.ASSET, self.again)
