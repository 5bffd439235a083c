"""Tests of RUN_ISOLATION=worker: workers execute the runs of a copy of the deployment."""
