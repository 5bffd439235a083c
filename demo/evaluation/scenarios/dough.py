"""Debugging without a failure: dough that was mixed for too long."""

from __future__ import annotations

from dagster_api.client import ASSET_JOB
from demo.evaluation import queries
from demo.evaluation.figures import Style
from demo.evaluation.scenario import Scenario
from demo.evaluation.scenarios.debugging import ONLY, SCRATCH
from demo.evaluation.scenarios.eggs import ASSETS_FILE, CHOSEN
from demo.evaluation.source_lines import lines_of

AFFECTED = ("cookie_dough", "cookies")


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
    bad, good = 10.0, 3.0

    def set_up(self) -> None:
        """Makes bad cookies in both styles."""
        self.first_time("ingredients", "eggs", "wet_ingredients", "dry_ingredients")
        self.job, _ = self.together(
            self.stage.client.launch("cookie_job", config=self.config("mix_cookie_dough", self.bad)),
            self.stage.client.launch(ASSET_JOB, assets=AFFECTED, config=self.config("cookie_dough", self.bad)),
        )

    @staticmethod
    def config(step: str, minutes: float) -> dict[str, object]:
        """The run config that sets a step's mixing time."""
        return {"ops": {step: {"config": {"minutes": minutes}}}}

    def task_centric(self) -> None:
        """Searches the job's log and run config, then runs chosen steps, then the whole job."""
        self.found_by_job = self.stage.calls(self.culprit_of_job)
        right = self.config("mix_cookie_dough", self.good)
        self.chosen = self.acted(Style.TASK, self.stage.steps_again(self.job, ["mix_cookie_dough", "bake_cookies"], right))
        self.whole = self.acted(Style.TASK, self.stage.play("cookie_job", config=right))

    def culprit_of_job(self) -> bool:
        """Whether log and run config of the last run together name the reason."""
        (last,) = self.stage.client.query(queries.LAST_STORY, job="cookie_job")["runsOrError"]["results"]
        messages = [str(event.get("message")) for event in last["eventConnection"]["events"]]
        return any("rubbery" in message for message in messages) and "minutes: 10" in str(last["runConfigYaml"])

    def asset_centric(self) -> None:
        """Reads the reason from the failed asset check, then materializes the asset and its downstream."""
        self.found_by_check = self.stage.calls(self.culprit_of_assets)
        right = self.config("cookie_dough", self.good)
        self.again = self.acted(Style.ASSET, self.stage.materialize(*AFFECTED, config=right))

    def culprit_of_assets(self) -> bool:
        """Whether the asset checks name only the dough, and its minutes."""
        nodes = self.stage.client.query(queries.CHECKS)["assetNodes"]
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
        return len(self.stage.databases.failed_steps(self.job.run_id))

    def measure(self) -> None:
        """Adds the cost to notice, to find and to repair the fault."""
        self.add("failed steps or checks that warn", "job", Style.TASK, self.failed_steps(), "warnings")
        self.add("failed steps or checks that warn", "assets", Style.ASSET, self.failed_checks, "warnings")
        lines = lines_of(ASSETS_FILE, "cookie_dough_is_not_overmixed")
        self.add("lines of the hand-written check", "assets", Style.ASSET, lines, "lines")
        for style, (right, calls) in ((Style.TASK, self.found_by_job), (Style.ASSET, self.found_by_check)):
            self.add("API calls from bad cookies to the reason", style.label, style, calls if right else None, "calls")
        self.add_cost(SCRATCH, Style.TASK, self.whole)
        self.add_cost(CHOSEN, Style.TASK, self.chosen)
        self.add_cost(ONLY, Style.ASSET, self.again)
