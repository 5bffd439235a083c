"""RUN_ISOLATION=worker: workers execute the runs of a copy of the deployment, also while services and whole hosts fail."""
