"""What sync, import_file and replay share: one summary line, the reason on stderr, the exits of the contract."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from energyopti.errors import EnergyOptiError
from energyopti.feeds.runs import Summary


class RunCommand(BaseCommand):
    """Exit 0 complete, 3 loaded but rows were quarantined or a window is incomplete, 1 failed."""

    def run(self, options: dict[str, Any]) -> Summary:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            summary = self.run(options)
        except EnergyOptiError as problem:
            self.stderr.write(problem.detail)
            sys.exit(1)
        self.stdout.write(str(summary))
        if summary.error:
            self.stderr.write(summary.error)
        sys.exit(summary.exit_code)
