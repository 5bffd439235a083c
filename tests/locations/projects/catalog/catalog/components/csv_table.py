"""A component that loads a CSV file into a table of a DuckDB file."""

from pathlib import Path

import dagster as dg


class CsvTable(dg.Component, dg.Model, dg.Resolvable):
    """One asset for each instance."""

    name: str
    file: str

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        @dg.asset(name=self.name)
        def table() -> None:
            import duckdb
            import pandas as pd

            frame = pd.read_csv(self.file)
            with duckdb.connect("data/catalog.duckdb") as database:
                database.execute(f"CREATE OR REPLACE TABLE {self.name} AS SELECT * FROM frame")

        @dg.op
        def count_files() -> int:
            return len(list(Path("data").glob("*.csv")))

        @dg.op
        def fail_once(files: int) -> None:
            before = Path("data/tried")
            tried = before.exists()
            before.touch()
            if not tried:
                raise dg.Failure("this fails once")
            assert files == 1

        @dg.job
        def fragile_job() -> None:
            fail_once(count_files())

        @dg.op
        def tick() -> None:
            pass

        @dg.job
        def tick_job() -> None:
            tick()

        schedule = dg.ScheduleDefinition(name="every_minute", job=tick_job, cron_schedule="* * * * *")
        return dg.Definitions(assets=[table], jobs=[fragile_job, tick_job], schedules=[schedule])
