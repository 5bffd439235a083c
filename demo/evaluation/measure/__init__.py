"""Measures: figures, where they come from, and the verdicts that they lead to."""
