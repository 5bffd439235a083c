"""Every environment variable of this code location, its default and its allowed values; `settings.env` explains them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError


class SettingsError(Exception):
    """A setting is not valid; the message names the variable, its value, the allowed values and the place to set it."""


def _cron(value: str) -> str:
    if len(value.split()) != 5 or not croniter.is_valid(value):  # noqa: PLR2004 - the fields of a cron line
        raise ValueError("it must be a cron line of five fields, such as '*/5 * * * *'")
    return value


def _time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("it must be an IANA time zone, such as 'UTC' or 'Europe/Zurich'")
    return ZoneInfo(value).key


def _readable(value: Path | None) -> Path | None:
    if value is not None and not os.access(value, os.R_OK):
        raise ValueError(f"it must be a file that user {os.getuid()} can read")
    return value


Cron = Annotated[str, AfterValidator(_cron)]


class Settings(BaseModel):
    """The settings of the code location and of its runs. Dagster's own variables are not among them."""

    model_config = ConfigDict(frozen=True)

    users_api_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+")] = "http://users_api:8080"
    users_api_read_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    users_api_max_bytes: Annotated[int, Field(ge=1024, le=2**31)] = 256 * 1024 * 1024
    # Dagster refuses windows below a minute.
    users_freshness_seconds: Annotated[int, Field(ge=60)] = 600
    users_assets_cron: Cron = "*/5 * * * *"
    data_extraction_cron: Cron = "*/5 * * * *"
    schedule_timezone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    warehouse_host: str = "run_connection_pool"
    warehouse_port: Annotated[int, Field(ge=1, le=65535)] = 5432
    warehouse_db: str = "warehouse"
    warehouse_user: str = "warehouse"
    exports_dir: Path = Path("/var/lib/dagster/exports")
    alert_urls_file: Annotated[Path | None, AfterValidator(_readable)] = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Reads the settings; an unset or empty variable means its default.

        Raises:
            SettingsError: a value is not allowed.
        """
        given = {name: value for name in cls.model_fields if (value := environ.get(name.upper()))}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            reason = first["msg"].removeprefix("Value error, ")
            message = f"{name.upper()} is set to '{given[name]}', which is not allowed: {reason}. Correct it in .env."
            raise SettingsError(message) from error
