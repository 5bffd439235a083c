"""The service `maintenance`: removes what is older than RETENTION_DAYS, and what nothing needs any more."""
