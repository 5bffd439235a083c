"""Drills of MONITORING=1: a real fault fires each alert."""
