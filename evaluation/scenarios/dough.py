"""Debugging what does not fail: dough that was mixed for too long."""

from __future__ import annotations

from evaluation import queries
from evaluation.figures import Style
from evaluation.scenario import Scenario
from evaluation.scenarios.debugging import ONLY, SCRATCH
from evaluation.stage import key_of

STEPS = "job, chosen steps"


class OvermixedDough(Scenario):
    """Nothing fails: the product is bad."""

    name = "debugging_dough"
    situation = "Debugging"
    title = "Overmixed dough"
    lane = "cookies"
    story = (
        "The dough was mixed for ten minutes, and the cookies are rubbery. No step fails. Once the reason is found, the dough is "
        "made again for three minutes, and whatever was made of it."
    )
    bad, good = 10.0, 3.0

    def set_up(self) -> None:
        """Bad cookies in both styles."""
        self.stage.materialize("ingredients", "eggs", "wet_ingredients", "dry_ingredients")
        self.job = self.acted(Style.TASK, self.stage.play("cookie_job", config=self.config("mix_cookie_dough", self.bad)))
        dough = self.stage.materialize("cookie_dough", "cookies", config=self.config("cookie_dough", self.bad))
        self.acted(Style.ASSET, dough)

    @staticmethod
    def config(step: str, minutes: float) -> dict[str, object]:
        """How long a step mixes."""
        return {"ops": {step: {"config": {"minutes": minutes}}}}

    def task_centric(self) -> None:
        """The job says nothing: its log has to be read, then its configuration. Then everything, or chosen steps."""
        self.found_by_job = self.stage.calls(self.culprit_of_job)
        right = self.config("mix_cookie_dough", self.good)
        self.chosen = self.acted(Style.TASK, self.stage.steps_again(self.job, ["mix_cookie_dough", "bake_cookies"], right))
        self.whole = self.acted(Style.TASK, self.stage.play("cookie_job", config=right))

    def culprit_of_job(self) -> bool:
        """Whether log and configuration of the run, put together by a person, name the reason."""
        told = any("rubbery" in str(event.get("message")) for event in self.stage.client.events(self.job.run_id))
        run = self.stage.client.query(queries.RUN_CONFIG, runId=self.job.run_id)["runOrError"]
        return told and "minutes: 10" in str(run["runConfigYaml"])

    def asset_centric(self) -> None:
        """The check of the asset has failed, and says why. Then the asset, and what is made of it."""
        self.found_by_check = self.stage.calls(self.culprit_of_assets)
        right = self.config("cookie_dough", self.good)
        self.again = self.acted(Style.ASSET, self.stage.materialize("cookie_dough", "cookies", config=right))

    def culprit_of_assets(self) -> bool:
        """Whether the check names the asset and the minutes."""
        node = self.stage.client.query(queries.CHECKS, key=key_of("cookie_dough"))["assetNodeOrError"]
        checks = [check["executionForLatestMaterialization"] for check in node["assetChecksOrError"]["checks"]]
        entries = [entry for check in checks if check for entry in check["evaluation"]["metadataEntries"]]
        return checks[0]["status"] == "FAILED" and any(entry.get("floatValue") == self.bad for entry in entries)

    def measure(self) -> None:
        """Cost of noticing, of finding, of mending."""
        self.add("signal that something is wrong", "job", Style.TASK, 0, "1 = yes")
        self.add("signal that something is wrong", "assets", Style.ASSET, float(self.found_by_check[0]), "1 = yes")
        for label, style, (right, calls) in (
            ("job", Style.TASK, self.found_by_job),
            ("assets", Style.ASSET, self.found_by_check),
        ):
            self.add("API calls from alert to culprit", label, style, calls if right else None, "calls")
        self.add_cost(SCRATCH, Style.TASK, self.whole)
        self.add_cost(STEPS, Style.TASK, self.chosen)
        self.add_cost(ONLY, Style.ASSET, self.again)
