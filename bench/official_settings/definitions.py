"""The entry point of the code location, with Dagster's default executor: one process per step."""

import os

import dagster as dg
from dagster_shared.record import replace

from user_code.defs.build import build_definitions
from user_code.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    """Everything in this code location."""
    return replace(build_definitions(Settings.from_environment(os.environ)), executor=None)
