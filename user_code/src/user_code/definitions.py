"""The entry point of the code location. Dagster loads it with `-m user_code.definitions`."""

import os

import dagster as dg

from user_code.defs.build import build_definitions
from user_code.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    """Everything in this code location, for this process's environment."""
    return build_definitions(Settings.from_environment(os.environ))
