"""The part of this deployment that every process of Dagster loads: webserver, daemon, code server and runs."""
