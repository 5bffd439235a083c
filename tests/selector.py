"""Names the code location of the tests, as Dagster's API does."""

from dagster_api.client import Client

LOCATION = "user_code"
SELECTOR = Client("", LOCATION).selector
