"""The evaluation without a deployment: what figures say, and what the report makes of them."""
