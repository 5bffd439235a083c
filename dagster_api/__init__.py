"""A client of Dagster's GraphQL API. It needs only Python's standard library, and knows no deployment."""
