"""Reads the smallest project from docs/code-locations.md."""

from __future__ import annotations

import re

from tests.conftest import repository_text


def example(language: str) -> str:
    """Returns the only block of a language with a whole file."""
    found = re.findall(rf"```{language}\n(.*?)```", repository_text("docs/code-locations.md"), re.DOTALL)
    (whole,) = [text for text in found if not text.startswith("#")]
    return str(whole)
