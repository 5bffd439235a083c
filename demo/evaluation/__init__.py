"""Plays the lesson's four situations on the running deployment in both styles, and measures their cost."""

# The settings of the code location while it plays: the shortest values that Dagster allows.
SHORT = {"USERS_FRESHNESS_SECONDS": "60", "DATA_EXTRACTION_CRON": "* * * * *"}
