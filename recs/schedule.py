"""What the ledger does by the clock."""

from energyopti.schedule import Entry

ENTRIES = (
    Entry("recs: seal the journal", "recs.tasks.seal_journal", "7 * * * *"),
    Entry("recs: end what nobody answered", "recs.tasks.expire_unanswered", "*/5 * * * *"),
)
