"""Draws a picture with a token that `.env` holds, and with a key that a secret file holds."""

from pathlib import Path

import dagster as dg

from reports.defs.resources import Shop

SECRET = Path("/run/secrets/shop_api_key")


@dg.asset
def sales(shop: dg.ResourceParam[Shop]) -> list[int]:
    return [len(shop.token), len(SECRET.read_text())]


@dg.asset
def picture(sales: list[int]) -> None:
    import matplotlib.pyplot as plt

    plt.plot(sales)
    plt.savefig("data/picture.png")


@dg.op
def write_row() -> int:
    Path("data/row").write_text("1")
    return 1


@dg.op
def fail_once(row: int) -> None:
    before = Path("data/tried")
    tried = before.exists()
    before.touch()
    if not tried:
        raise dg.Failure("this fails once")
    assert Path("data/row").read_text() == str(row)


@dg.job
def fragile_job() -> None:
    fail_once(write_row())


@dg.op
def tick() -> None:
    pass


@dg.job
def tick_job() -> None:
    tick()


@dg.schedule(job=tick_job, cron_schedule="* * * * *")
def every_minute() -> dg.RunRequest:
    return dg.RunRequest()
