"""Lineage: where something comes from, whether it is current, and what a change affects."""
