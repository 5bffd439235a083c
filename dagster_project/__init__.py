"""Reads a Dagster project as teams write it: its definitions, and where it lists its packages. Standard library only.

The verbs on the host, the build of an image and the code server share this package.
"""
