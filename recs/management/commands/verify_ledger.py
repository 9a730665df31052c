"""manage.py verify_ledger: is the ledger what it promises to be?"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from recs.proof.prove import Verdict, kept_outside, newest_seal, prove, proving


class Command(BaseCommand):
    help = "Prove the ledger's invariants over the whole database, a line for each. Exit 0: all hold, 1: one does not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since-seal", action="store_true", help="only what came after the newest seal")
        parser.add_argument("--kept", action="append", default=[], metavar="DIGEST", help="a seal's digest, kept outside: it must be here")

    def handle(self, *args: Any, **options: Any) -> None:
        if odd := [one for one in options["kept"] if not re.fullmatch("[0-9a-fA-F]{64}", one)]:
            raise CommandError(f"{odd[0]} is no digest: it has 64 hexadecimal digits")
        broken = asked = 0
        try:
            for verdict in self._verdicts(since_seal=options["since_seal"], kept=options["kept"]):
                asked += verdict.looked_at is not None
                broken += not verdict.holds
                for line in _lines(verdict):
                    self.stdout.write(line)
                self.stdout.flush()
        except DatabaseError as problem:  # row policies bind this login, or the server went away
            self.stderr.write(f"the proof broke off: {str(problem).splitlines()[0]}")
            sys.exit(1)
        self.stdout.write(f"{asked - broken} of {asked} invariants hold")
        sys.exit(1 if broken else 0)

    def _verdicts(self, *, since_seal: bool, kept: list[str]) -> Iterator[Verdict]:
        with proving() as cursor:
            since = newest_seal(cursor) if since_seal else None
            if since is not None:
                self.stdout.write(f"Since seal {since.seal}" if since.seal else "There is no seal yet: all is new")
            yield from prove(cursor, since=since)
            if kept:
                yield kept_outside(cursor, kept)


def _lines(verdict: Verdict) -> Iterator[str]:
    rule = verdict.rule
    if verdict.looked_at is None:
        yield f"-       {rule.name:<26}  {f'not asked: {verdict.why}':<32}  {rule.says}"
        return
    looked_at = f"{verdict.looked_at:,} {rule.looks_at}, {verdict.violations:,} violations"
    yield f"{'ok' if verdict.holds else 'BROKEN':<6}  {rule.name:<26}  {looked_at:<32}  {rule.says}"
    for told in verdict.offenders:
        yield f"          {told}"
    if verdict.violations > len(verdict.offenders):
        yield f"          and {verdict.violations - len(verdict.offenders):,} more"
