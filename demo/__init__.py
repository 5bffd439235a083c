"""The demo: a source system, and the evaluation of assets against jobs. The deployment runs without it."""
