"""Counts the code location's lines of code, without comments, docstrings and empty lines."""

from __future__ import annotations

import ast
import io
import os
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

IGNORED = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@cache
def _source(file: str) -> str:
    return (Path(os.environ["USER_CODE_SOURCE"]) / file).read_text()


def _definition(file: str, name: str) -> ast.FunctionDef:
    for node in ast.parse(_source(file)).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise LookupError(f"{file} defines no {name}")


def _numbers(node: ast.stmt | ast.expr) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _code_lines(file: str) -> set[int]:
    tokens = tokenize.generate_tokens(io.StringIO(_source(file)).readline)
    return {number for token in tokens if token.type not in IGNORED for number in range(token.start[0], token.end[0] + 1)}


def lines_of(file: str, *names: str) -> int:
    """The number of lines of some functions in a file, decorators included.

    Raises:
        LookupError: the file does not define one of them.
    """
    wanted: set[int] = set()
    for name in names:
        node = _definition(file, name)
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        wanted |= set(range(first, (node.end_lineno or first) + 1))
        if ast.get_docstring(node) is not None:
            wanted -= _numbers(node.body[0])
    return len(wanted & _code_lines(file))


def wiring_lines(file: str) -> int:
    """The number of lines that only declare dependencies: bodies of jobs, `deps` and `ins` of assets."""
    functions = [node for node in ast.parse(_source(file)).body if isinstance(node, ast.FunctionDef)]
    wiring = {line for node in functions for part in _wiring(node) for line in _numbers(part)}
    return len(wiring & _code_lines(file))


def _wiring(node: ast.FunctionDef) -> Iterator[ast.stmt | ast.expr]:
    if _is_job(node):
        yield from _body(node)
    for decorator in node.decorator_list:
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if keyword.arg in {"deps", "ins"}:
                yield keyword.value


def _body(node: ast.FunctionDef) -> list[ast.stmt]:
    return node.body[1:] if ast.get_docstring(node) is not None else node.body


def _is_job(node: ast.FunctionDef) -> bool:
    called = [decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in node.decorator_list]
    return any(isinstance(name, ast.Attribute) and name.attr == "job" for name in called)
