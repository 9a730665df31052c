"""What the markets app does by the clock, besides its feeds."""

from energyopti.schedule import Entry

ENTRIES = (Entry("markets: seal days that are over", "markets.tasks.seal_days", "50 * * * *"),)
