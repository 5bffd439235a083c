"""Posts of users: fetched for one user at a time, counted by city."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from user_code.users.fetch import FetchLimits, SourceError, get_body

COLUMNS = ("user_id", "post_id", "title", "words")


def fetch_posts(base_url: str, users: Iterable[int], limits: FetchLimits) -> pd.DataFrame:
    """Gets `{base_url}/posts?userId=N` for each of `users`: one row per post, with the columns COLUMNS.

    Raises:
        SourceError: no answer, or one that is not a list of complete posts.
    """
    rows = [row for user in users for row in _posts(f"{base_url.rstrip('/')}/posts?userId={user}", limits)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        {"user_id": "int64", "post_id": "int64", "title": "str", "words": "int64"}
    )


def posts_by_city(users: pd.DataFrame, posts: pd.DataFrame) -> pd.DataFrame:
    """Returns one row per city, ordered by name: `city`, its number of `users`, and the number of their `posts`."""
    written = users[["id", "city"]].merge(posts.groupby("user_id").size().rename("posts"), "left", left_on="id", right_index=True)
    cities = written.groupby("city", as_index=False).agg(users=("id", "size"), posts=("posts", "sum"))
    return cities.astype({"city": "str", "posts": "int64"}).sort_values("city", ignore_index=True)


def _posts(url: str, limits: FetchLimits) -> list[tuple[int, int, str, int]]:
    try:
        return [_row(post) for post in json.loads(get_body(url, limits))]
    except (LookupError, TypeError, ValueError) as error:
        raise SourceError(f"{url} did not answer with a list of posts: {error!r}.") from error


def _row(post: dict[str, Any]) -> tuple[int, int, str, int]:
    return int(post["userId"]), int(post["id"]), str(post["title"]).strip(), len(str(post["body"]).split())
