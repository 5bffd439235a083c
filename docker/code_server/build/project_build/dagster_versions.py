"""Finds which Dagster packages a project names, and which of its wishes this deployment cannot grant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from packaging.specifiers import InvalidSpecifier, SpecifierSet

# A requirement of a Dagster package, in quotes or at the start of a line.
NAMED = re.compile(r"""(?:^|["'])\s*(dagster[\w.-]*)\s*(\[[\w,\s.-]*\])?\s*([=<>!~][^"';#\\\n]*)?""", re.MULTILINE)
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)


def normal(name: str) -> str:
    """The normal form of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def named(text: str) -> dict[str, tuple[str, str]]:
    """The extras and the specifier of each Dagster package in a project's file, by the package's name."""
    return {normal(name): (extras or "", (wish or "").strip()) for name, extras, wish in NAMED.findall(text)}


def pins(lock: str) -> dict[str, str]:
    """The version of each package in a lock."""
    return {normal(name): version for name, version in PIN.findall(lock)}


def unpinned(wishes: Mapping[str, tuple[str, str]]) -> str:
    """Overrides for uv: any version of these packages."""
    return "".join(f"{name}{extras}\n" for name, (extras, _) in sorted(wishes.items()))


def refused(wishes: Mapping[str, tuple[str, str]], locked: Mapping[str, str], got: Mapping[str, str]) -> Iterable[str]:
    """A sentence for each Dagster package that has another version here than the project asks for."""
    for name, version in sorted(got.items()):
        wish = wishes.get(name, ("", ""))[1]
        if name in locked and name.startswith("dagster") and locked[name] != version:
            wish = f"=={locked[name]}"
        if wish and not _holds(wish, version):
            yield f"the project asks for {name}{wish}; it gets {version}, which fits webserver and daemon"


def _holds(wish: str, version: str) -> bool:
    try:
        return SpecifierSet(wish).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True
