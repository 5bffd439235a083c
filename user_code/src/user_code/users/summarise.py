"""Summarises a table of users, and draws the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

TOP_DOMAINS = 5


def summarise_users(frame: pd.DataFrame) -> dict[str, Any]:
    """Counts users, cities, companies and e-mail domains of a table made by `transform_users`.

    `top_email_domains` maps the five most common domains to their numbers of users, most common first, ties by name. The centre
    is the mean position in degrees, rounded to 4 digits (11 m), or None for no users.
    """
    domains = frame["email_domain"].value_counts().rename_axis("domain").reset_index(name="users")
    top = domains.sort_values(["users", "domain"], ascending=[False, True]).head(TOP_DOMAINS)
    return {
        "users": len(frame),
        "cities": int(frame["city"].nunique()),
        "companies": int(frame["company"].nunique()),
        "email_domains": len(domains),
        "top_email_domains": dict(zip(top["domain"].tolist(), top["users"].tolist(), strict=True)),
        "centre": _centre(frame),
    }


def _centre(frame: pd.DataFrame) -> dict[str, float] | None:
    if frame.empty:
        return None
    return {name: round(float(frame[name].mean()), 4) for name in ("latitude", "longitude")}


def summary_plot(summary: dict[str, Any]) -> str:
    """Draws the most common e-mail domains as a bar chart: an SVG document of about 5 kB."""
    # Imported here: only the summary draws.
    import pygal  # noqa: PLC0415

    chart = pygal.HorizontalBar(
        width=480, height=240, show_legend=False, print_values=True, js=(), title="Users by e-mail domain"
    )
    domains = list(summary["top_email_domains"].items())[::-1]
    chart.x_labels = [domain for domain, _ in domains]
    chart.add("users", [count for _, count in domains])
    return str(chart.render(is_unicode=True))
