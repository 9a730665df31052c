"""The feed machine in the back office: to look at, and to act on with a reason."""

from energyopti.feeds.admin import feeds, machine, schedule, uploads

__all__ = ["feeds", "machine", "schedule", "uploads"]
