"""The summary counts users, the plot draws the counts, and the export replaces the whole CSV file."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from tests.demo.users import make_user
from user_code.users.export import write_csv
from user_code.users.summarise import summarise_users, summary_plot
from user_code.users.transform import transform_users


def users_table() -> pd.DataFrame:
    domains = ["b.org", "a.org", "b.org", "c.org"]
    return transform_users([make_user(n, email=f"x@{domain}", website=str(n)) for n, domain in enumerate(domains, 1)])


def test_summary_has_exact_numbers() -> None:
    """Equal data must give an equal summary, so domains with equal counts are sorted by name."""
    assert summarise_users(users_table()) == {
        "users": 4,
        "cities": 1,
        "companies": 1,
        "email_domains": 3,
        "top_email_domains": {"b.org": 2, "a.org": 1, "c.org": 1},
        "centre": {"latitude": 45.75, "longitude": 4.85},
    }
    assert list(summarise_users(users_table())["top_email_domains"]) == ["b.org", "a.org", "c.org"]


def test_summary_accepts_an_empty_table() -> None:
    """An empty table has no centre, which must not raise an error."""
    summary = summarise_users(transform_users([]))
    assert summary == {
        "users": 0, "cities": 0, "companies": 0, "email_domains": 0, "top_email_domains": {}, "centre": None,
    }  # fmt: skip


def test_plot_is_an_svg_that_names_every_domain() -> None:
    """Dagster stores the plot in its event log, so the plot must be small."""
    svg = summary_plot(summarise_users(users_table()))
    texts = [element.text for element in ET.fromstring(svg).iter() if element.text]  # noqa: S314 - ours
    assert {"a.org", "b.org", "c.org"} <= set(texts)
    assert len(svg) < 20_000


def test_write_csv_writes_the_whole_table(tmp_path: Path) -> None:
    """The folder may be missing. Other users must be able to read the file, and no temporary file may remain."""
    path = tmp_path / "exports/users.csv"
    size = write_csv(users_table(), path)
    assert size == path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o644
    assert pd.read_csv(path, dtype={"zipcode": "str", "website": "str"}).to_dict() == users_table().to_dict()
    assert list(path.parent.iterdir()) == [path]


def test_write_csv_keeps_the_old_file_after_a_failed_write(tmp_path: Path) -> None:
    """A reader must never see half a file. Here the table fails in the middle of the write."""

    class Breaks(pd.DataFrame):
        def to_csv(self, file, **_):  # type: ignore[no-untyped-def, override]
            file.write("half")
            raise OSError("disk full")

    path = tmp_path / "users.csv"
    path.write_text("old")
    with pytest.raises(OSError, match="disk full"):
        write_csv(Breaks(), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
