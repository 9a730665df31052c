#!/usr/bin/env python
"""EnergyOpti's command line. It joins the services of this machine, or starts them for its own time."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext

# Ours that read or write rows: on the built-in database they make the tables first, on another they say what is missing.
NEEDS_TABLES = frozenset(
    {"apikey", "export_ledger", "feeds", "gaps", "import_file", "prices", "replay", "seal_ledger", "sync", "verify_ledger"}
)
NEEDS_NOTHING = frozenset({"help", "version", "collectstatic", "makemessages", "compilemessages"})


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energyopti.settings")
    from energyopti.onemachine import home, services, signals

    signals.as_exit()
    place = home.load_environment()
    own = any(service.NAME == "postgres" for service in services.wanted())
    with nullcontext() if _needs_nothing(arguments) else services.ensure(place):
        from django.core.management import execute_from_command_line

        if arguments[1:2] and arguments[1] in NEEDS_TABLES and not _needs_nothing(arguments):
            _with_tables(own=own)
        execute_from_command_line(arguments)


def _with_tables(*, own: bool) -> None:
    import django

    from energyopti.onemachine import tables

    django.setup()
    if own:
        tables.migrate(say=lambda line: sys.stderr.write(f"{line}\n"))
    else:
        tables.require()


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
