"""The lesson's cookies as ops in a job, with the lesson's hand-written check of the eggs' date."""

from datetime import UTC, date, datetime

import dagster as dg

from user_code.cookies import recipe
from user_code.cookies.recipe import Stock
from user_code.defs.assets.cookies import MixingConfig


class EggsConfig(dg.Config):
    """The eggs in the fridge, by the day they were bought, as YYYY-MM-DD; today when empty."""

    bought_on: str = ""


@dg.op
def gather_ingredients() -> Stock:
    """Takes everything but eggs from the shelf."""
    return recipe.gather_ingredients()


@dg.op
def take_eggs(config: EggsConfig) -> Stock:
    """Takes the eggs from the fridge."""
    bought_on = date.fromisoformat(config.bought_on) if config.bought_on else datetime.now(UTC).date()
    return recipe.buy_eggs(bought_on)


@dg.op
def check_eggs(eggs: Stock) -> Stock:
    """Fails the run when the eggs are expired."""
    return recipe.check_eggs(eggs, datetime.now(UTC).date())


@dg.op
def mix_wet_ingredients(ingredients: Stock, eggs: Stock) -> Stock:
    """Mixes butter, vanilla and eggs."""
    return recipe.mix_wet_ingredients(ingredients, eggs)


@dg.op
def mix_dry_ingredients(ingredients: Stock) -> Stock:
    """Mixes flour, sugar, baking soda and salt."""
    return recipe.mix_dry_ingredients(ingredients)


@dg.op
def mix_cookie_dough(wet: Stock, dry: Stock, config: MixingConfig) -> Stock:
    """Mixes the dough."""
    return recipe.mix_cookie_dough(wet, dry, config.minutes)


@dg.op
def bake_cookies(context: dg.OpExecutionContext, dough: Stock) -> Stock:
    """Bakes the dough."""
    cookies = recipe.bake(dough)
    context.log.info("Baked %d %s cookies", cookies["pieces"], cookies["texture"])
    return cookies


@dg.op
def fold_in_peanuts(dough: Stock) -> Stock:
    """Folds a bag of peanuts in."""
    return recipe.fold_in_peanuts(dough, recipe.buy_peanuts())


@dg.job(description="Bakes cookies from start to finish.")
def cookie_job() -> None:
    """Connects the ops."""
    ingredients = gather_ingredients()
    wet = mix_wet_ingredients(ingredients, check_eggs(take_eggs()))
    bake_cookies(mix_cookie_dough(wet, mix_dry_ingredients(ingredients)))


@dg.job(description="Bakes peanut cookies from start to finish: the lesson's fork.")
def peanut_cookie_job() -> None:
    """Connects the ops."""
    ingredients = gather_ingredients()
    wet = mix_wet_ingredients(ingredients, check_eggs(take_eggs()))
    bake_cookies(fold_in_peanuts(mix_cookie_dough(wet, mix_dry_ingredients(ingredients))))
