"""Makes the report's files from the results."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jsonschema import validate
from markupsafe import Markup

from demo.evaluation.measure.claims import CheckedClaim
from demo.evaluation.measure.results import Result, Results
from demo.evaluation.report import plots, summary
from demo.evaluation.report.claims import NOT_PLAYED, checked_claims

HERE = Path(__file__).parent


def report_files(results: Results) -> dict[str, bytes]:
    """Returns the report's files by name.

    Raises:
        jsonschema.ValidationError: the results do not match `schema.json`, which is a defect.
    """
    claims = checked_claims(results)
    document = results.to_json(claims)
    validate(document, json.loads((HERE / "schema.json").read_text()))
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, autoescape=select_autoescape(["html.j2"]), trim_blocks=True
    )
    view = _view(results, claims)
    return {
        "evaluation.json": (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode(),
        "evaluation.md": environment.get_template("report.md.j2").render(view).encode(),
        "evaluation.html": environment.get_template("report.html.j2").render(view).encode(),
    }


def _view(results: Results, claims: list[CheckedClaim]) -> dict[str, Any]:
    return {
        "about": results.about,
        "method": summary.METHOD,
        "terms": summary.TERMS,
        "rows": summary.rows(results),
        "advice": summary.advice(results),
        "verdicts": summary.verdicts(claims),
        "claims": claims,
        "not_played": NOT_PLAYED,
        "sections": [_section(result) for result in results.scenarios.values()],
        "pictures": [(picture.title, base64.b64encode(picture.png).decode()) for picture in results.pictures],
    }


def _section(result: Result) -> dict[str, Any]:
    summaries = result.summaries
    measure = result.scenario.plotted
    plotted = any(one.measure == measure for one in summaries)
    first = result.played[0] if result.played else None
    return {
        "scenario": result.scenario,
        "error": result.error,
        "summaries": summaries,
        "plot": Markup(plots.comparison(summaries, measure)) if plotted else "",  # noqa: S704 - our own drawing
        "timeline": Markup(plots.timeline(first.bars, first.marks)) if first and first.bars else "",  # noqa: S704 - our own drawing
    }
