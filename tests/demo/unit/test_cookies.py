"""The recipe has exact amounts, eggs that expire, and dough that can be overmixed."""

from datetime import date

import pytest

from user_code.cookies import recipe

MONDAY = date(2026, 3, 2)


def dough(minutes: float) -> dict:
    ingredients = recipe.gather_ingredients()
    wet = recipe.mix_wet_ingredients(ingredients, recipe.buy_eggs(MONDAY))
    return recipe.mix_cookie_dough(wet, recipe.mix_dry_ingredients(ingredients), minutes)


def test_recipe_makes_18_cookies_of_550_grams_of_dough() -> None:
    """Ops and assets both use this recipe, so their results are equal."""
    assert dough(3) == {"grams": 550, "mixed_minutes": 3, "overmixed": False}
    assert recipe.bake(dough(3)) == {"pieces": 18, "texture": "crisp", "peanuts": False}


@pytest.mark.parametrize(("minutes", "texture"), [(5, "crisp"), (5.1, "rubbery")])
def test_dough_mixed_for_more_than_five_minutes_bakes_rubbery(minutes: float, texture: str) -> None:
    """The lesson debugs this situation, so its limit must be exact."""
    assert recipe.bake(dough(minutes))["texture"] == texture


def test_fold_in_peanuts_uses_existing_dough_and_does_not_mix_it() -> None:
    """The peanuts add 100 g. More mixing could make the cookies rubbery."""
    peanut_dough = recipe.fold_in_peanuts(dough(3), recipe.buy_peanuts())
    assert recipe.bake(peanut_dough) == {"pieces": 21, "texture": "crisp", "peanuts": True}
    assert peanut_dough["mixed_minutes"] == 3


def test_check_eggs_accepts_the_last_day_and_rejects_the_next_day() -> None:
    """The task-centric style must check the date itself."""
    eggs = recipe.buy_eggs(MONDAY)
    assert recipe.check_eggs(eggs, date(2026, 3, 30)) == eggs
    with pytest.raises(recipe.ExpiredEggsError, match="expired on 2026-03-30, and today is 2026-03-31: buy new eggs"):
        recipe.check_eggs(eggs, date(2026, 3, 31))
