"""The settings of Dagster's own Docker example, to compare with. `definitions` replaces a module of the code location."""
