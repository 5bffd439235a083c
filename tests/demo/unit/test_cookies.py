"""The recipe: exact amounts, eggs that expire, dough that can be overmixed."""

from datetime import date

import pytest

from user_code.cookies import recipe

MONDAY = date(2026, 3, 2)


def dough(minutes: float) -> dict:
    ingredients = recipe.gather_ingredients()
    wet = recipe.mix_wet_ingredients(ingredients, recipe.buy_eggs(MONDAY))
    return recipe.mix_cookie_dough(wet, recipe.mix_dry_ingredients(ingredients), minutes)


def test_cookies_from_start_to_finish() -> None:
    """550 g of dough are 18 cookies."""
    assert dough(3) == {"grams": 550, "mixed_minutes": 3, "overmixed": False}
    assert recipe.bake(dough(3)) == {"pieces": 18, "texture": "crisp", "peanuts": False}


@pytest.mark.parametrize(("minutes", "texture"), [(5, "crisp"), (5.1, "rubbery")])
def test_dough_mixed_for_more_than_five_minutes_bakes_rubbery(minutes: float, texture: str) -> None:
    """The lesson's debugging situation, at its edge."""
    assert recipe.bake(dough(minutes))["texture"] == texture


def test_peanut_cookies_are_made_of_existing_dough() -> None:
    """650 g, no more mixed than before."""
    peanut_dough = recipe.fold_in_peanuts(dough(3), recipe.buy_peanuts())
    assert recipe.bake(peanut_dough) == {"pieces": 21, "texture": "crisp", "peanuts": True}
    assert peanut_dough["mixed_minutes"] == 3


def test_eggs_may_be_used_on_their_last_day_and_not_after() -> None:
    """The hand-written date check of the task-centric style."""
    eggs = recipe.buy_eggs(MONDAY)
    assert recipe.check_eggs(eggs, date(2026, 3, 30)) == eggs
    with pytest.raises(recipe.ExpiredEggsError, match="expired on 2026-03-30, and today is 2026-03-31: buy new eggs"):
        recipe.check_eggs(eggs, date(2026, 3, 31))
