"""What the API does by the clock."""

from energyopti.schedule import Entry

ENTRIES = (Entry("api: let go of old kept answers", "energyopti.api.tasks.drop_kept_answers", "45 4 * * *"),)
