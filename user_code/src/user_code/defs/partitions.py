"""The keys that users are processed by."""

import dagster as dg

# As many as the public service has; a bundled source with more users has these first.
SAMPLED_USERS = 10
users_partitions = dg.StaticPartitionsDefinition([str(number) for number in range(1, SAMPLED_USERS + 1)])
