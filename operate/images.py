"""Builds the images. The tag of a code location's image names its content, so that runs in the queue keep their code.

`.env` holds the tags. A tag that the environment sets is used as it is, for instance that of a release.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from operate.compose import CommandError, compose, run
from operate.env_file import env_file, replace_in_env, settings
from operate.locations import Location
from operate.lock import write_lock
from operate.releases import file_of, tags_in, with_release, write_tags

# The tag of an image until its content is known.
NEXT = "next"
ID_CHARACTERS = 12
# An attestation would give each build of the same content another id.
PLAIN = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}


def own_tags(locations: Sequence[Location], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the tags that the content decides, each with the tag of a build."""
    return {each.tag_variable: NEXT for each in locations if each.tag_variable not in environ}


def tagged(location: Location) -> str:
    """Gives the location's next image the tag of its content; returns the tag."""
    name = f"{location.image}:{NEXT}"
    image = run(["docker", "image", "inspect", "--format", "{{.Id}}", name], capture=True).strip()
    tag = image.removeprefix("sha256:")[:ID_CHARACTERS]
    run(["docker", "tag", name, f"{location.image}:{tag}"], capture=True)
    run(["docker", "rmi", name], capture=True)
    return tag


def reason(output: str) -> str:
    """What a project's build says of itself, or the end of the output."""
    found = re.search(r"^#\d+ [\d.]+ project: (.*?)^(?:#\d+ ERROR|-{6})", output, re.MULTILINE | re.DOTALL)
    return re.sub(r"^#\d+ [\d.]+ ?", "", found[1], flags=re.MULTILINE).strip() if found else output


def build_locations(locations: Sequence[Location], *services: str) -> dict[str, str]:
    """Builds images; returns the tag of each location's image, by the variable that holds it. `.env` stays as it is.

    Raises:
        CommandError: packages cannot be resolved, or an image cannot be built.
    """
    for location in locations:
        write_lock(location)
    tags = own_tags(locations, os.environ)
    try:
        compose("--progress", "plain", "build", *services, capture=True, env={**os.environ, **tags, **PLAIN})
    except CommandError as error:
        raise CommandError(reason(str(error))) from error
    return {each.tag_variable: tagged(each) for each in locations if each.tag_variable in tags}


def current_tag(location: Location) -> str | None:
    """The tag of a location's current release, or None before the first one."""
    return settings(env_file()).get(location.tag_variable)


def adopt(project: str, location: Location, tag: str, releases: Sequence[str]) -> None:
    """Makes a tag the location's current release, and keeps the list of its releases."""
    replace_in_env(env_file(), {location.tag_variable: tag})
    write_tags(file_of(project, location), releases)


def build(project: str, locations: Sequence[Location]) -> None:
    """Builds all images, and makes those of code locations current."""
    tags = build_locations(locations)
    for location in locations:
        if tag := tags.get(location.tag_variable):
            releases = with_release(tags_in(file_of(project, location)), current_tag(location), tag)
            adopt(project, location, tag, releases)
