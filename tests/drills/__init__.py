"""Drills: what takes minutes, because it must. Faults under load, lost hosts, restores, deployments while runs go on."""
