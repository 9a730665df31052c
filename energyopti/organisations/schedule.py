"""What beat does about people: see energyopti.schedule."""

from __future__ import annotations

from energyopti.schedule import Entry

ENTRIES = (Entry("people: forget old sessions", "energyopti.organisations.tasks.forget_old_sessions", "45 3 * * *"),)
