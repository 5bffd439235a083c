"""Users joined with their posts."""

from __future__ import annotations

from typing import Any

from demo.evaluation.measure.claims import Claim, Source
from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.graphs import asset_graph, closure, op_graph
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.reported import Question
from demo.evaluation.measure.source_lines import lines_of
from demo.evaluation.measure.verdicts import ReasonedVerdict, ScenarioFigures, verdict
from demo.evaluation.play.deployment import Deployment
from demo.evaluation.play.scenario import Scenario

TABLES = "job, from stored tables"
FETCHING = ("fetch_data_from_api", "fetch_posts", "raw_user_data", "user_posts")


def keep_posts_for_jobs(deployment: Deployment) -> None:
    """Copies the assets' posts to the table that `user_posts_job` writes."""
    copy = "DROP TABLE IF EXISTS jobs.user_posts; CREATE TABLE jobs.user_posts AS SELECT * FROM assets.user_posts"
    deployment.databases.warehouse(copy)


def reuse(figures: ScenarioFigures) -> ReasonedVerdict:
    """Compares the rows fetched again, also by a job on stored tables, and the sources that Dagster knows."""
    fork, tables, asset = (figures.value(Measure.ROWS_AGAIN, variant) for variant in (Variant.FORK, TABLES, Variant.ASSETS))
    known, known_by_assets = (figures.value(Measure.KNOWN_SOURCES, variant) for variant in (TABLES, Variant.ASSETS))
    said = (
        f"{asset:.0f} rows fetched again by the asset, {fork:.0f} by the forked job, {tables:.0f} by one on stored tables; "
        f"of its sources Dagster then knows {known:.0f} of 2, of the asset's {known_by_assets:.0f}"
    )
    return verdict(holds=asset < min(fork, tables), partly=asset < fork), said


class PostsByCity(Scenario):
    """Users joined with their posts."""

    name = "reuse_posts"
    situation = "Re-use"
    title = "Posts by city, from users and posts that are there"
    lane = "others"
    holds = frozenset({"source"})
    story = (
        "Users and their posts have been fetched already. Somebody wants to know how many posts are written in each city. The "
        "job either starts from the source again, or reads tables that other jobs have left, whose names somebody has to know."
    )
    claims = (Claim(Source.LESSON, 3, "Assets are used again by something new, tasks need a fork.", reuse),)
    questions = (
        Question("Posts by city, job from the source", Measure.ROWS_AGAIN, (Variant.FORK, Variant.ASSETS)),
        Question("Posts by city, job on stored tables", Measure.ROWS_AGAIN, (TABLES, Variant.ASSETS)),
        Question("Posts by city, code to write", Measure.LINES_TO_WRITE, (Variant.FORK, Variant.ASSETS)),
    )
    plotted = Measure.ROWS_AGAIN

    def set_up(self) -> None:
        """Puts users and posts into the warehouse, in both styles."""
        self.deployment.source(behaviour="ok")
        keep_posts_for_jobs(self.deployment)

    def task_centric(self) -> None:
        """Runs the forked job, then the job on stored tables."""
        self.fork = self.acted(Style.TASK, self.deployment.play("posts_by_city_job"))
        self.tables = self.acted(Style.TASK, self.deployment.play("posts_by_city_from_tables_job"))

    def asset_centric(self) -> None:
        """Materializes one asset, which names its upstream assets."""
        self.asset = self.acted(Style.ASSET, self.deployment.materialize("posts_by_city"))

    def measure(self) -> None:
        """Adds steps, rows fetched again, seconds, lines, and the sources that Dagster knows."""
        jobs, assets = "defs/jobs/posts.py", "defs/assets/posts.py"
        ops = ("fetch_posts", "count_posts_by_city", "posts_by_city_job")
        reading = ("read_users", "read_posts", "count_posts_by_city", "posts_by_city_from_tables_job")
        for variant, style, run, lines, above in (
            (Variant.FORK, Style.TASK, self.fork, lines_of(jobs, *ops), self.ops_above("posts_by_city_job")),
            (TABLES, Style.TASK, self.tables, lines_of(jobs, *reading), self.ops_above("posts_by_city_from_tables_job")),
            (Variant.ASSETS, Style.ASSET, self.asset, lines_of(assets, "posts_by_city"), self.assets_above("posts_by_city")),
        ):
            self.add_cost(variant, style, run)
            self.add(Measure.ROWS_AGAIN, variant, style, self.deployment.rows_fetched(run, FETCHING))
            self.add(Measure.LINES_TO_WRITE, variant, style, lines)
            self.add(Measure.KNOWN_SOURCES, variant, style, len(above & set(FETCHING)))
        self.add(Measure.EQUAL_PRODUCTS, "both", Style.ASSET, float(self.rows_of("jobs") == self.rows_of("assets")))

    def rows_of(self, schema: str) -> set[tuple[Any, ...]]:
        """The rows of a style's product."""
        return set(self.deployment.databases.warehouse(f"SELECT * FROM {schema}.posts_by_city"))  # noqa: S608

    def ops_above(self, job: str) -> set[str]:
        """The ops upstream of a job's counting op, by the API."""
        return closure("count_posts_by_city", op_graph(self.deployment.job(job)))

    def assets_above(self, asset: str) -> set[str]:
        """The assets upstream of an asset, by the API."""
        return closure(asset, asset_graph(self.deployment.assets(), "dependencyKeys"))
