"""The report: HTML for people, Markdown for reviews, JSON for programs."""
