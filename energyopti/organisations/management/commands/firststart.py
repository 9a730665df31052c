"""manage.py firststart: what an installation needs before anybody can use it. Run at each start; the second finds it done."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from energyopti.errors import EnergyOptiError
from energyopti.organisations import firststart


class Command(BaseCommand):
    help = "Prepare a new installation: roles, schedule, first users, samples. Harmless to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        with firststart.alone():
            firststart.prepare()
            firststart.make_people(say=self._say)
            try:
                firststart.load_samples(say=self._say)
            except EnergyOptiError as problem:  # the product serves without them, and the next start tries again
                self.stderr.write(f"Sample data are not loaded yet: {problem.detail}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
