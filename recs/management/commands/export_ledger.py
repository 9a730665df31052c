"""manage.py export_ledger: what an auditor takes home."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from energyopti.errors import EnergyOptiError
from energyopti.organisations.models import Organisation
from recs.proof import pack


class Command(BaseCommand):
    help = "Write the ledger as a ZIP of CSV files with a manifest, the newest seal and a program that proves it all with Python alone."

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--organisation", metavar="SLUG", help="what this organisation may see")
        whose.add_argument("--all", action="store_true", help="the whole ledger: only such a pack proves the seals")
        parser.add_argument("out", type=Path, metavar="OUT.zip")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = None if options["all"] else Organisation.objects.filter(slug=options["organisation"]).first()
        if organisation is None and not options["all"]:
            raise CommandError(f"there is no organisation {options['organisation']!r}")
        out: Path = options["out"]
        part = out.with_name(f"{out.name}.part")
        try:
            with part.open("wb") as file:
                manifest = pack.write(file, organisation=organisation)
            with part.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            part.replace(out)
        except (EnergyOptiError, OSError) as problem:
            part.unlink(missing_ok=True)
            self.stderr.write(str(problem))
            sys.exit(1)
        sealed = manifest["newest_seal"]
        self.stdout.write(f"{out}: {manifest['files']['entries.csv']['rows']:,} entries, {out.stat().st_size:,} bytes, SHA-256 {digest}")
        self.stdout.write(f"newest seal: {sealed['id']}, {sealed['digest']}" if sealed else "nothing is sealed yet")
        self.stdout.write(f"prove it: {pack.HOW}")
