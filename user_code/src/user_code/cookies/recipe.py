"""A recipe as data and functions: amounts in grams, millilitres, pieces and minutes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

EGGS_KEEP_DAYS = 28
MIXING_MINUTES = 3
# Overmixed gluten makes the cookies rubbery: the lesson's debugging situation.
OVERMIXED_AFTER_MINUTES = 5
DOUGH_GRAMS_PER_COOKIE = 30

Stock = dict[str, Any]


class ExpiredEggsError(Exception):
    """The eggs are past their date."""


def gather_ingredients() -> Stock:
    """Everything but eggs, in the recipe's amounts: grams, and millilitres of vanilla, sorted into wet and dry."""
    return {
        "wet": {"butter_g": 115, "vanilla_ml": 5},
        "dry": {"flour_g": 180, "sugar_g": 150, "baking_soda_g": 3, "salt_g": 2},
    }


def buy_eggs(bought_on: date) -> Stock:
    """Two eggs of 50 g, with their last day of use."""
    best_before = bought_on + timedelta(days=EGGS_KEEP_DAYS)
    return {"pieces": 2, "grams": 100, "bought_on": bought_on.isoformat(), "best_before": best_before.isoformat()}


def check_eggs(eggs: Stock, today: date) -> Stock:
    """Returns `eggs`.

    Raises:
        ExpiredEggsError: `today` is after their date.
    """
    if today > date.fromisoformat(eggs["best_before"]):
        raise ExpiredEggsError(f"The eggs expired on {eggs['best_before']}, and today is {today.isoformat()}: buy new eggs.")
    return eggs


def mix_wet_ingredients(ingredients: Stock, eggs: Stock) -> Stock:
    """Butter, vanilla and eggs."""
    return {**ingredients["wet"], "eggs_g": eggs["grams"], "eggs_best_before": eggs["best_before"]}


def mix_dry_ingredients(ingredients: Stock) -> Stock:
    """Flour, sugar, baking soda and salt."""
    return dict(ingredients["dry"])


def mix_cookie_dough(wet: Stock, dry: Stock, minutes: float = MIXING_MINUTES) -> Stock:
    """Dough from both, mixed for `minutes`."""
    grams = sum(amount for part in (wet, dry) for name, amount in part.items() if name.endswith("_g"))
    return {"grams": grams, "mixed_minutes": minutes, "overmixed": minutes > OVERMIXED_AFTER_MINUTES}


def buy_peanuts() -> Stock:
    """A bag of roasted peanuts."""
    return {"grams": 100}


def fold_in_peanuts(dough: Stock, peanuts: Stock) -> Stock:
    """Peanut cookie dough; folding in does not count as mixing."""
    return {**dough, "grams": dough["grams"] + peanuts["grams"], "peanuts_g": peanuts["grams"]}


def bake(dough: Stock) -> Stock:
    """One cookie for every 30 g of dough, rubbery if the dough was overmixed."""
    return {
        "pieces": dough["grams"] // DOUGH_GRAMS_PER_COOKIE,
        "texture": "rubbery" if dough["overmixed"] else "crisp",
        "peanuts": "peanuts_g" in dough,
    }
