"""The partition keys for users."""

import dagster as dg

# The public service has as many; a bundled source with more users has these first.
SAMPLED_USERS = 10
users_partitions = dg.StaticPartitionsDefinition([str(number) for number in range(1, SAMPLED_USERS + 1)])
