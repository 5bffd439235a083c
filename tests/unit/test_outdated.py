"""`make outdated` names newer patch versions of what is pinned."""

from __future__ import annotations

import pytest

from scripts import outdated
from scripts.outdated import UnreachableError, newest_patch, packages, patch_range, with_patch


def test_every_pinned_image_is_looked_for() -> None:
    """An overlay's image grows old as well."""
    assert {image.partition(":")[0] for image in outdated.images()} == {
        "caddy",
        "grafana/grafana",
        "postgres",
        "prom/alertmanager",
        "prom/prometheus",
        "python",
        "quay.io/prometheuscommunity/pgbouncer-exporter",
        "quay.io/prometheuscommunity/postgres-exporter",
        "valkey/valkey",
    }


@pytest.mark.parametrize(
    ("image", "higher"),
    [
        ("postgres:17.11-trixie", "postgres:17.12-trixie"),
        ("python:3.13.16-slim-trixie", "python:3.13.17-slim-trixie"),
        ("mirror.example.org:5000/valkey/valkey:8.1.11-trixie", "mirror.example.org:5000/valkey/valkey:8.1.12-trixie"),
    ],
)
def test_last_number_of_the_version_is_the_patch(image: str, higher: str) -> None:
    """The variant of the image must stay."""
    assert with_patch(image, 1) == higher


def test_image_without_a_version_cannot_be_checked() -> None:
    """An operator may pin `latest` in a mirror."""
    with pytest.raises(UnreachableError, match=r"^postgres:latest has no version in its tag$"):
        with_patch("postgres:latest", 1)


def test_newest_patch_passes_over_one_that_was_withdrawn() -> None:
    """Tags are asked for one by one: registries have no common way to list them."""
    there = {"postgres:17.11-trixie", "postgres:17.13-trixie", "postgres:17.14-trixie", "postgres:17.17-trixie"}
    assert newest_patch("postgres:17.11-trixie", there.__contains__) == "postgres:17.14-trixie"
    with pytest.raises(UnreachableError, match=r"^postgres:17\.10-trixie cannot be asked for: "):
        newest_patch("postgres:17.10-trixie", there.__contains__)


def test_only_a_patch_version_of_a_package_is_offered() -> None:
    """A minor one may need other packages."""
    pins = packages(["requests==2.32.0 \\\n    --hash=sha256:0\nidna==3.7 ; python_version > '3'\n"])
    assert pins == {"requests": "2.32.0", "idna": "3.7"}
    assert [patch_range(*pin) for pin in pins.items()] == ["requests>=2.32.0,<2.33", "idna>=3.7,<3.8"]
