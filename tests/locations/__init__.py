"""The deployment hosts other people's Dagster projects. No file of a project is edited."""
