"""Tests of ecotrack."""

from hypothesis import HealthCheck, settings

# Another job's load makes examples slow, and is no failure of ours.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")
