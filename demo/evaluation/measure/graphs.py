"""Graphs of ops and of assets, made from the API's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Graph = dict[str, set[str]]


def names(keys: Sequence[dict[str, Any]]) -> set[str]:
    """Asset names from the API's keys."""
    return {"/".join(key["path"]) for key in keys}


def asset_graph(nodes: Sequence[dict[str, Any]], direction: str) -> Graph:
    """Assets, each with its `dependencyKeys` or `dependedByKeys`."""
    return {"/".join(node["assetKey"]["path"]): names(node[direction]) for node in nodes}


def op_graph(ops: Sequence[dict[str, Any]]) -> Graph:
    """The ops of a job, each with its upstream ops."""
    return {op["name"]: {output["solid"]["name"] for given in op["inputs"] for output in given["dependsOn"]} for op in ops}


def reversed_graph(graph: Mapping[str, set[str]]) -> Graph:
    """The same graph with reversed edges."""
    return {name: {other for other, above in graph.items() if name in above} for name in graph}


def closure(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    """Everything that can be reached from `start`, without `start`."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found
