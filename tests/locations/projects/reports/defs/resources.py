"""The resources of the project."""

import dagster as dg


class Shop(dg.ConfigurableResource):
    """A shop that needs a token."""

    token: str


@dg.definitions
def resources() -> dg.Definitions:
    return dg.Definitions(resources={"shop": Shop(token=dg.EnvVar("SHOP_TOKEN"))})
