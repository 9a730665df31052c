#!/usr/bin/env python
"""EnergyOpti's command line. It joins the services of this machine, or starts them for its own time."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext

NEEDS_NOTHING = frozenset({"help", "version", "collectstatic", "makemessages", "compilemessages"})


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energyopti.settings")
    from energyopti.onemachine import home, services, signals

    signals.as_exit()
    place = home.load_environment()
    with nullcontext() if _needs_nothing(arguments) else services.ensure(place):
        from django.core.management import execute_from_command_line

        execute_from_command_line(arguments)


def _needs_nothing(arguments: list[str]) -> bool:
    return len(arguments) < 2 or arguments[1].startswith("-") or arguments[1] in NEEDS_NOTHING or not {"-h", "--help"}.isdisjoint(arguments)


if __name__ == "__main__":
    from django.core.exceptions import ImproperlyConfigured

    from energyopti.errors import NotConfigured

    try:
        main(sys.argv)
    except (NotConfigured, ImproperlyConfigured) as problem:
        sys.exit(f"EnergyOpti cannot start: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
