"""`make outdated` says which pinned images and packages have newer patch versions. Its exit status is 1 if any has.

It asks the registries that Docker and uv are set to ask. Let a scheduler run it each week.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from operate.compose import ROOT

PINNED_IMAGE = re.compile(r"\$\{[A-Z_]+_IMAGE:-([^}$]+)\}")
PINNED_PACKAGE = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([0-9][^\s;\\]*)", re.MULTILINE)
VERSIONED = re.compile(r"(.+):((?:\d+\.)*)(\d+)([^.:/]*)")
# A release that was withdrawn leaves a gap.
GAP = 2
SECONDS = 30


class UnreachableError(Exception):
    """A registry does not answer. The message names what was asked for."""


def images(root: Path = ROOT) -> list[str]:
    """The images that the Compose files pin."""
    files = [root / "docker-compose.yml", *(root / "docker").glob("*.yml"), *(root / "docker/code_server").glob("*.yml")]
    return sorted({image for file in files for image in PINNED_IMAGE.findall(file.read_text())})


def with_patch(image: str, more: int) -> str:
    """The same image with a higher patch number, which is the last number of its version.

    Raises:
        UnreachableError: it has none.
    """
    parts = VERSIONED.fullmatch(image)
    if parts is None:
        raise UnreachableError(f"{image} has no version in its tag")
    name, numbers, patch, variant = parts.groups()
    return f"{name}:{numbers}{int(patch) + more}{variant}"


def exists(image: str) -> bool:
    """Whether a registry has an image."""
    command = ["docker", "manifest", "inspect", image]
    try:
        return subprocess.run(command, capture_output=True, timeout=SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def newest_patch(image: str, there: Callable[[str], bool] = exists) -> str:
    """The image with the highest patch number that its registry has.

    Raises:
        UnreachableError: not even the pinned one is there.
    """
    if not there(image):
        raise UnreachableError(f"{image} cannot be asked for: the registry does not answer, or has it no more")
    newest, missing = 0, 0
    while missing < GAP:
        found = there(with_patch(image, newest + missing + 1))
        newest, missing = (newest + missing + 1, 0) if found else (newest, missing + 1)
    return with_patch(image, newest)


def packages(texts: Iterable[str]) -> dict[str, str]:
    """The versions in lock files by package. Where locks differ, one of them counts."""
    pins = sorted({pin for text in texts for pin in PINNED_PACKAGE.findall(text)}, reverse=True)
    return dict(pins)


def patch_range(name: str, version: str) -> str:
    """What uv may choose instead: the same major and minor version."""
    numbers = [int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:2]]
    top = f"{numbers[0]}.{numbers[1] + 1}" if len(numbers) > 1 else str(numbers[0] + 1)
    return f"{name}>={version},<{top}"


def newest_packages(pins: dict[str, str]) -> dict[str, str]:
    """The newest patch versions of packages, as the index of uv has them.

    Raises:
        UnreachableError: uv fails; the message is the end of its output.
    """
    wanted = "".join(f"{patch_range(name, version)}\n" for name, version in pins.items())
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--no-deps",
        "--no-header",
        "--no-annotate",
        "--universal",
        "--python-version",
        "3.13",
        "-",
    ]
    ended = subprocess.run(command, input=wanted, text=True, capture_output=True, check=False, cwd=ROOT)
    if ended.returncode:
        raise UnreachableError(ended.stderr.strip()[-500:])
    return packages([ended.stdout])


def locks() -> list[str]:
    """The texts of all locks in Git. Other files of that name belong to projects of the tests."""
    listed = subprocess.run(["git", "ls-files", "*requirements.txt"], cwd=ROOT, text=True, capture_output=True, check=True)
    texts = ((ROOT / file).read_text() for file in listed.stdout.split())
    return [text for text in texts if "--hash=" in text]


def main() -> int:
    """Prints a line for each newer version; returns the exit status."""
    lines, unknown, pins = [], [], packages(locks())
    for image in images():
        try:
            lines += [f"{image} → {newest}"] if (newest := newest_patch(image)) != image else []
        except UnreachableError as error:
            unknown.append(str(error))
    try:
        found = newest_packages(pins)
        lines += [
            f"{name} {version} → {found[name]}" for name, version in sorted(pins.items()) if found.get(name, version) != version
        ]
    except UnreachableError as error:
        unknown.append(str(error))
    print("\n".join(lines or ["every pin that could be checked is the newest patch version"]))
    print("".join(f"outdated: {line}\n" for line in unknown), end="", file=sys.stderr)
    return bool(lines or unknown)


if __name__ == "__main__":
    sys.exit(main())
