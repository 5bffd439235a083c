"""Re-use: a new product from existing data."""

from __future__ import annotations

from demo.evaluation.figures import Style
from demo.evaluation.graphs import asset_graph, closure, op_graph
from demo.evaluation.scenario import Scenario
from demo.evaluation.source_lines import lines_of
from demo.evaluation.stage import Stage

FORK, TABLES, NEW = "job, from the source", "job, from stored tables", "assets"
FETCHING = ("fetch_data_from_api", "fetch_posts", "raw_user_data", "user_posts")


def keep_posts_for_jobs(stage: Stage) -> None:
    """Copies the assets' posts to the table that `user_posts_job` writes."""
    copy = "DROP TABLE IF EXISTS jobs.user_posts; CREATE TABLE jobs.user_posts AS SELECT * FROM assets.user_posts"
    stage.databases.warehouse(copy)


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

    def set_up(self) -> None:
        """Puts users and posts into the warehouse, in both styles."""
        self.stage.source(behaviour="ok")
        keep_posts_for_jobs(self.stage)

    def task_centric(self) -> None:
        """Runs the forked job, then the job on stored tables."""
        self.fork = self.acted(Style.TASK, self.stage.play("posts_by_city_job"))
        self.tables = self.acted(Style.TASK, self.stage.play("posts_by_city_from_tables_job"))

    def asset_centric(self) -> None:
        """Materializes one asset, which names its upstream assets."""
        self.asset = self.acted(Style.ASSET, self.stage.materialize("posts_by_city"))

    def measure(self) -> None:
        """Adds steps, rows fetched again, seconds, lines, and the sources that Dagster knows."""
        jobs, assets = "defs/jobs/posts.py", "defs/assets/posts.py"
        ops = ("fetch_posts", "count_posts_by_city", "posts_by_city_job")
        reading = ("read_users", "read_posts", "count_posts_by_city", "posts_by_city_from_tables_job")
        for variant, style, run, lines, above in (
            (FORK, Style.TASK, self.fork, lines_of(jobs, *ops), self.ops_above("posts_by_city_job")),
            (TABLES, Style.TASK, self.tables, lines_of(jobs, *reading), self.ops_above("posts_by_city_from_tables_job")),
            (NEW, Style.ASSET, self.asset, lines_of(assets, "posts_by_city"), self.assets_above("posts_by_city")),
        ):
            self.add_cost(variant, style, run)
            self.add("rows fetched again", variant, style, self.stage.rows_fetched(run, FETCHING), "rows")
            self.add("lines to write", variant, style, lines, "lines")
            self.add("sources that Dagster knows of", variant, style, len(above & set(FETCHING)), "of 2")
        rows = [set(self.stage.databases.warehouse(f"SELECT * FROM {schema}.posts_by_city")) for schema in ("jobs", "assets")]  # noqa: S608
        self.add("products are equal", "both", Style.ASSET, float(rows[0] == rows[1]), "1 = yes")

    def ops_above(self, job: str) -> set[str]:
        """The ops upstream of a job's counting op, by the API."""
        return closure("count_posts_by_city", op_graph(self.stage.job(job)))

    def assets_above(self, asset: str) -> set[str]:
        """The assets upstream of an asset, by the API."""
        return closure(asset, asset_graph(self.stage.assets(), "dependencyKeys"))


class PeanutCookies(Scenario):
    """The lesson's own example."""

    name = "reuse_peanuts"
    situation = "Re-use"
    title = "Peanut cookies, from dough that is there"
    lane = "others"
    story = "There is cookie dough. Somebody wants peanut cookies. The job is a fork that bakes from start to finish."

    def set_up(self) -> None:
        """Makes the dough."""
        self.first_time("ingredients", "eggs", "wet_ingredients", "dry_ingredients", "cookie_dough")

    def task_centric(self) -> None:
        """Runs the forked job."""
        self.job = self.acted(Style.TASK, self.stage.play("peanut_cookie_job"))

    def asset_centric(self) -> None:
        """Materializes three assets."""
        self.assets = self.acted(Style.ASSET, self.stage.materialize("peanuts", "peanut_cookie_dough", "peanut_cookies"))

    def measure(self) -> None:
        """Adds steps, seconds and lines."""
        self.add_cost(FORK, Style.TASK, self.job)
        self.add_cost(NEW, Style.ASSET, self.assets)
        lines = lines_of("defs/jobs/cookies.py", "fold_in_peanuts", "peanut_cookie_job")
        self.add("lines to write", FORK, Style.TASK, lines, "lines")
        lines = lines_of("defs/assets/cookies.py", "peanuts", "peanut_cookie_dough", "peanut_cookies")
        self.add("lines to write", NEW, Style.ASSET, lines, "lines")
