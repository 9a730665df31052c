"""manage.py seal_ledger: the journal's digest, to be kept outside."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from energyopti.errors import EnergyOptiError
from recs.proof import seal


class Command(BaseCommand):
    help = "Seal what the journal holds, and print the seal. Keep its digest where nobody of this database can change it."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sealed = seal.seal()
        except EnergyOptiError as problem:
            self.stderr.write(problem.detail)
            sys.exit(1)
        if sealed is None:
            self.stdout.write("There is nothing to seal yet")
            return
        self.stdout.write(
            f"seal {sealed.pk} of {sealed.created_at:%Y-%m-%d %H:%MZ}: {sealed.entries:,} entries, {sealed.commands:,} commands\n"
            f"{bytes(sealed.digest).hex()}"
        )
