"""Plays the lesson's four situations on the running deployment in both styles, and measures their cost."""
