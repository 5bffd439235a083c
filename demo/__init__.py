"""The demo: a source system, and the evaluation of assets against jobs. The deployment runs without it."""

# The code location that holds the demo's assets and jobs.
LOCATION = "user_code"
