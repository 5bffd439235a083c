"""Freshness: a silent source, eggs past their date, and a refresh that brings nothing new."""
