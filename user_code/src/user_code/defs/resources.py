"""The resources that connect assets and ops to other systems."""

from collections.abc import Iterable
from pathlib import Path

import dagster as dg
import pandas as pd

from user_code.defs.io_managers import WarehouseIOManager, WarehouseResource
from user_code.settings import Settings
from user_code.users.fetch import FetchedUsers, FetchLimits, fetch_users
from user_code.users.posts import fetch_posts


class UsersSource(dg.ConfigurableResource[None]):
    """The source system of users and their posts: an HTTP API with the JSONPlaceholder schema."""

    url: str
    read_seconds: float
    max_bytes: int

    def fetch(self) -> FetchedUsers:
        """All users; raises `SourceError`."""
        return fetch_users(self.url, self._limits())

    def posts(self, users: Iterable[int]) -> pd.DataFrame:
        """The posts of some users; raises `SourceError`."""
        return fetch_posts(self.url, users, self._limits())

    def _limits(self) -> FetchLimits:
        return FetchLimits(read_seconds=self.read_seconds, max_bytes=self.max_bytes)


class Exports(dg.ConfigurableResource[None]):
    """The folder for files that others pick up."""

    folder: str

    def path(self, name: str) -> Path:
        """The path of the export `name`."""
        return Path(self.folder) / name


def build_resources(settings: Settings) -> dict[str, object]:
    """The resources, by the names that assets and ops use."""
    warehouse = WarehouseResource(
        host=settings.warehouse_host,
        port=settings.warehouse_port,
        database=settings.warehouse_db,
        user=settings.warehouse_user,
    )
    return {
        "users_source": UsersSource(
            url=settings.users_api_url,
            read_seconds=settings.users_api_read_seconds,
            max_bytes=settings.users_api_max_bytes,
        ),
        "exports": Exports(folder=str(settings.exports_dir)),
        "warehouse": warehouse,
        "warehouse_io": WarehouseIOManager(warehouse=warehouse),
    }
