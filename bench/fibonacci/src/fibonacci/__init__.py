"""Chains of tasks that compute Fibonacci numbers."""
