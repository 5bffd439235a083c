"""A wrong setting is an error of one sentence: the variable, its value, the allowed values, and the file to correct."""

import pytest

from dagster_code_server import serve
from user_code.settings import Settings, SettingsError


def test_settings_have_defaults_for_unset_and_empty_variables() -> None:
    """Compose passes an empty variable for an unset one."""
    assert Settings.from_environment({"USERS_API_URL": "", "OTHER": "x"}) == Settings()


def test_settings_convert_values_to_their_types() -> None:
    """Environment variables hold only texts."""
    settings = Settings.from_environment({"USERS_FRESHNESS_SECONDS": "90", "USERS_ASSETS_CRON": "0 6 * * 1"})
    assert (settings.users_freshness_seconds, settings.users_assets_cron) == (90, "0 6 * * 1")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("USERS_API_URL", "users_api", "String should match pattern"),
        ("USERS_API_READ_SECONDS", "0", "Input should be greater than 0"),
        ("USERS_API_MAX_BYTES", "many", "Input should be a valid integer"),
        ("USERS_FRESHNESS_SECONDS", "59", "Input should be greater than or equal to 60"),
        ("USERS_ASSETS_CRON", "hourly", "it must be a cron line of five fields"),
        ("DATA_EXTRACTION_CRON", "61 * * * *", "it must be a cron line of five fields"),
        ("SCHEDULE_TIMEZONE", "Zurich", "it must be an IANA time zone, such as 'UTC' or 'Europe/Zurich'"),
        ("ALERT_URLS_FILE", "/nowhere/alert_urls", "it must be a file that user"),
        ("WAREHOUSE_PORT", "70000", "Input should be less than or equal to 65535"),
    ],
)
def test_settings_reject_a_wrong_value_with_one_sentence(name: str, value: str, reason: str) -> None:
    """The operator needs the variable, its value, the allowed values and the file to correct."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({name: value})
    message = str(caught.value)
    assert message.startswith(f"{name} is set to '{value}', which is not allowed: {reason}")
    assert message.endswith("Correct it in .env.")
    assert "\n" not in message


def test_code_server_exits_with_the_sentence_of_a_wrong_setting() -> None:
    """The container must end with exit status 1, and print only the sentence."""
    with pytest.raises(SystemExit, match=r"^USERS_FRESHNESS_SECONDS is set to '5', which is not allowed") as caught:
        serve.check_settings("user_code.definitions", {"USERS_FRESHNESS_SECONDS": "5"})
    assert caught.value.code == str(caught.value)
