"""Decides by policy.yaml which requests may pass. Pure: nothing here uses the network."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlencode

import yaml
from jsonschema import Draft202012Validator

from launch_gateway.locations import location_of
from launch_gateway.settings import SettingsError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

# Sections whose values are those of one code location.
OF_A_LOCATION = ("create", "ceiling", "hardening")
POLICY = Path(__file__).with_name("policy.yaml")
# Docker's own form: 64 hexadecimal digits, the beginning of them, or a name. It is never a dot alone, a slash or a percent
# sign.
ID = r"(?P<id>[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127})"


class RefusedError(Exception):
    """A request may not pass; the message is one sentence with the reason."""


@dataclass(frozen=True)
class Call:
    """A request that may pass: its name in the policy, its container, and its query."""

    name: str
    container: str | None
    query: dict[str, str]


def fill(node: Any, values: Mapping[str, Any]) -> Any:
    """The policy with every $NAME replaced. A missing name raises KeyError: `null` in its place would allow any value."""
    if isinstance(node, dict):
        return {key: fill(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [fill(value, values) for value in node]
    return values[node[1:]] if isinstance(node, str) and re.fullmatch(r"\$[A-Z_]+", node) else node


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses equal names in one object: engines and validators differ in which one counts."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise RefusedError("the body names a field twice")
    return dict(pairs)


def parse(body: bytes) -> Any:
    """A body as unambiguous JSON.

    Raises:
        RefusedError: the body is not that.
    """
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"the body is not JSON: {error}") from error


def _no_constant(name: str) -> None:
    raise RefusedError(f"the body holds {name}, which is not JSON")


def without_empty(node: Any) -> Any:
    """A body without null, false, 0 or empty values, except in its labels: docker-py sends every field that it knows."""
    if not isinstance(node, dict):
        return node
    kept = {name: value if name == "Labels" else without_empty(value) for name, value in node.items()}
    return {name: value for name, value in kept.items() if value}


def sentence(error: ValidationError) -> str:
    """The error of a body, in one sentence that names the field."""
    where = ".".join(str(part) for part in error.absolute_path) or "the body"
    if error.validator == "additionalProperties":
        schema, instance = cast("dict[str, Any]", error.schema), cast("dict[str, Any]", error.instance)
        extra = sorted(set(instance) - set(schema["properties"]))
        return f"{where} may not hold {', '.join(extra)}"
    return f"{where}: {error.message}"[:500]


class Policy:
    """policy.yaml with its values filled in."""

    def __init__(self, values: Mapping[str, Any], of_location: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]) -> None:
        """Reads the policy.

        `values` are those of `settings.values`. `of_location` returns those of a code location, by its name and the schema of
        its `x-runs`; it raises `SettingsError`.
        """
        text = yaml.safe_load(POLICY.read_text())
        self._of_location = of_location
        self._sections = {name: text.pop(name) for name in OF_A_LOCATION}
        self.data = fill(text, values)
        self._filters = Draft202012Validator(self.data["filters"])
        prefix = rf"(?:/v{re.escape(self.data['api_version'])})?"
        self._paths = [re.compile(prefix + call["path"].replace("{id}", ID)) for call in self.data["calls"]]

    def call(self, method: str, raw_path: str) -> Call:
        """The call of a request line. The line is judged as sent: nothing is decoded or normalised first.

        Raises:
            RefusedError: the call is not on the list.
        """
        path, _, query = raw_path.partition("?")
        for call, pattern in zip(self.data["calls"], self._paths, strict=True):
            match = pattern.fullmatch(path)
            if match and method in call["methods"]:
                return Call(call["name"], match.groupdict().get("id"), self._query(call, query))
        versionless = re.sub(r"^/v[\d.]+(?=/)", "", path)
        raise RefusedError(self.data["reasons"].get(f"{method} {versionless}", "a run does not need this call"))

    def path(self, call: Call) -> str:
        """The path and query of the request to the engine."""
        pattern = next(each["path"] for each in self.data["calls"] if each["name"] == call.name)
        query = f"?{urlencode(call.query)}" if call.query else ""
        return f"/v{self.data['api_version']}{pattern.replace('{id}', call.container or '')}{query}"

    def body(self, raw: bytes) -> bytes:
        """The body of `create` for the engine: rebuilt from the fields that the policy knows, and hardened.

        Raises:
            RefusedError: it asks for a value that is not allowed.
        """
        asked = parse(raw)
        if not isinstance(asked, dict) or not isinstance(asked.get("HostConfig", {}), dict):
            raise RefusedError("the body and its HostConfig must be JSON objects")
        try:
            body = without_empty(asked)
            rules = self._rules(body.get("Image"))
            _check(Draft202012Validator(rules["create"]), body)
        except RecursionError as error:
            raise RefusedError("the body is nested too deeply") from error
        return json.dumps(_hardened(body, rules, self.data["not_passed_on"])).encode()

    def _rules(self, image: object) -> dict[str, Any]:
        """The sections of the policy for runs of the code location that has this image."""
        name = location_of(image, self.data["mine"]["dagster/project"])
        if name is None:
            raise RefusedError(f"Image: {str(image)[:200]!r} is not the image of a code location")
        try:
            values = self._of_location(name, self.data["runs"])
        except SettingsError as error:
            raise RefusedError(str(error).rstrip(".")) from error
        filled: dict[str, Any] = fill(self._sections, values)
        return filled

    def owns(self, labels: Mapping[str, str] | None) -> bool:
        """Whether a container with these labels belongs to a run of this deployment."""
        mine = self.data["mine"].items()
        return all(name in (labels or {}) and value in {None, (labels or {})[name]} for name, value in mine)

    def _query(self, call: Mapping[str, Any], raw: str) -> dict[str, str]:
        pairs = parse_qsl(raw, keep_blank_values=True)
        rules = call.get("query", {})
        for name, value in pairs:
            if name not in rules or not re.fullmatch(rules[name], value):
                raise RefusedError(f"{call['name']} takes no {name}={value[:100]}")
        if len({name for name, _ in pairs}) < len(pairs):
            raise RefusedError("the query names a parameter twice")
        return self._own_list(dict(pairs)) if call["name"] == "list" else dict(pairs)

    def _own_list(self, query: dict[str, str]) -> dict[str, str]:
        filters = parse(query.get("filters", "{}").encode())
        _check(self._filters, filters)
        mine = [name if value is None else f"{name}={value}" for name, value in self.data["mine"].items()]
        return {**query, "filters": json.dumps({**filters, "label": [*filters.get("label", []), *mine]})}


def _hardened(body: dict[str, Any], rules: Mapping[str, Any], dropped: Sequence[str]) -> dict[str, Any]:
    always = rules["hardening"]
    host = body.get("HostConfig", {})
    limits = {name: _at_most(host.get(name), most) for name, most in rules["ceiling"].items()}
    kept = {name: value for name, value in body.items() if name not in dropped}
    swap = {"MemorySwap": limits["Memory"]}
    labels = {**body["Labels"], **always["Labels"]}
    return {**kept, **always, "Labels": labels, "HostConfig": {**host, **always["HostConfig"], **limits, **swap}}


def _check(validator: Draft202012Validator, body: Any) -> None:
    errors: Iterable[ValidationError] = validator.iter_errors(body)
    first = min(errors, key=lambda error: (len(error.absolute_path), str(error.absolute_path)), default=None)
    if first is not None:
        raise RefusedError(sentence(first))


def _at_most(asked: int | None, most: int) -> int:
    """Docker treats 0 and -1 as no limit."""
    return asked if asked is not None and 0 < asked < most else most
