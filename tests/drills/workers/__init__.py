"""Faults of services and of whole hosts, while runs are queued."""
