"""The part of this deployment that is in every process of Dagster: webserver, daemon, code server and runs."""
