"""Plays the four situations of the lesson on the running deployment, in both styles, and measures what each cost."""
