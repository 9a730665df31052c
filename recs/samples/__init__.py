"""Sample certificates for a first look: the two sandbox organisations own, trade and retire invented ones.

Everything goes through the services and the ledger, with keys that are always the same: a second run finds all of it done.
"""

from __future__ import annotations

from collections.abc import Callable

from energyopti.organisations.firststart import SANDBOX_PAIR
from recs.samples import cast, issues, stories


def load(*, say: Callable[[str], object]) -> None:
    """Raises LedgerError where people have moved on with what a run that was cut short had made."""
    pair = cast.pair(tuple(SANDBOX_PAIR))
    if pair is None:
        say("  recs: without the sandbox organisations and their people there are no sample certificates")
        return
    cast.furnish(*pair)
    months = issues.months(*pair)
    batches = issues.issue(*pair, months=months)
    stories.tell(*pair, months=months)
    say(f"  recs: {batches} batches of sample certificates from {months[0]:%Y-%m} to {months[-1]:%Y-%m}")
