"""The Dagster shell: assets, jobs, checks, schedules and sensors over the plain functions of this package. Thin."""
