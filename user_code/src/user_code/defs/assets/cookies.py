"""The lesson's cookies as assets."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from user_code.cookies import recipe
from user_code.cookies.recipe import Stock
from user_code.defs.conditions import follow_new_data, refresh_when_stale

GROUP = "cookies"


class MixingConfig(dg.Config):
    """How the dough is mixed. More than five minutes is too long."""

    minutes: float = recipe.MIXING_MINUTES


def versioned(stock: Stock) -> dg.MaterializeResult[Stock]:
    """A stock with its content as data version: new eggs and overmixed dough are new data, the same dough again is not."""
    content = hashlib.sha256(json.dumps(stock, sort_keys=True).encode()).hexdigest()
    return dg.MaterializeResult(value=stock, data_version=dg.DataVersion(content))


def cookie_asset(
    condition: dg.AutomationCondition[Any] | None = None,
) -> Callable[[Callable[..., dg.MaterializeResult[Stock]]], dg.AssetsDefinition]:
    """The settings that all cookie assets share."""
    return dg.asset(
        group_name=GROUP,
        owners=["team:bakery"],
        kinds={"python", "postgres"},
        code_version="1",
        io_manager_key="warehouse_io",
        automation_condition=condition,
    )


@cookie_asset()
def ingredients() -> dg.MaterializeResult[Stock]:
    """Everything but eggs, sorted into wet and dry."""
    return versioned(recipe.gather_ingredients())


@cookie_asset(refresh_when_stale())
def eggs() -> dg.MaterializeResult[Stock]:
    """Two eggs with their date. They are the one ingredient that expires; expired eggs are bought anew."""
    return versioned(recipe.buy_eggs(datetime.now(UTC).date()))


@cookie_asset(follow_new_data())
def wet_ingredients(ingredients: Stock, eggs: Stock) -> dg.MaterializeResult[Stock]:
    """Butter, vanilla and eggs that are within their date."""
    return versioned(recipe.mix_wet_ingredients(ingredients, recipe.check_eggs(eggs, datetime.now(UTC).date())))


@cookie_asset(follow_new_data())
def dry_ingredients(ingredients: Stock) -> dg.MaterializeResult[Stock]:
    """Flour, sugar, baking soda and salt."""
    return versioned(recipe.mix_dry_ingredients(ingredients))


@cookie_asset(follow_new_data())
def cookie_dough(wet_ingredients: Stock, dry_ingredients: Stock, config: MixingConfig) -> dg.MaterializeResult[Stock]:
    """Dough, ready for baking or for folding something in."""
    return versioned(recipe.mix_cookie_dough(wet_ingredients, dry_ingredients, config.minutes))


@cookie_asset(follow_new_data())
def cookies(cookie_dough: Stock) -> dg.MaterializeResult[Stock]:
    """Plain cookies."""
    return versioned(recipe.bake(cookie_dough))


@cookie_asset()
def peanuts() -> dg.MaterializeResult[Stock]:
    """A bag of roasted peanuts."""
    return versioned(recipe.buy_peanuts())


@cookie_asset(follow_new_data())
def peanut_cookie_dough(cookie_dough: Stock, peanuts: Stock) -> dg.MaterializeResult[Stock]:
    """The existing dough with peanuts folded in."""
    return versioned(recipe.fold_in_peanuts(cookie_dough, peanuts))


@cookie_asset(follow_new_data())
def peanut_cookies(peanut_cookie_dough: Stock) -> dg.MaterializeResult[Stock]:
    """Peanut cookies."""
    return versioned(recipe.bake(peanut_cookie_dough))


@dg.asset_check(asset=cookie_dough, description="Dough that was mixed for too long makes rubbery cookies.")
def cookie_dough_is_not_overmixed(cookie_dough: Stock) -> dg.AssetCheckResult:
    """Passes if the dough was mixed for at most five minutes."""
    return dg.AssetCheckResult(passed=not cookie_dough["overmixed"], metadata={"mixed_minutes": cookie_dough["mixed_minutes"]})


ASSETS = (
    ingredients, eggs, wet_ingredients, dry_ingredients, cookie_dough, cookies, peanuts, peanut_cookie_dough,
    peanut_cookies,
)  # fmt: skip
CHECKS = (cookie_dough_is_not_overmixed,)
