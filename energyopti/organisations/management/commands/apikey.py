"""manage.py apikey: a new API key, alone on stdout."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from energyopti.errors import EnergyOptiError
from energyopti.organisations import queries, services
from energyopti.organisations.models import APIKey


class Command(BaseCommand):
    help = "Make an API key for a user and print it, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, metavar="NAME", help="whose key: what the key may see is what the user may see")
        parser.add_argument("--name", required=True, metavar="LABEL", help="what it is for")
        parser.add_argument("--scope", choices=APIKey.Scope.values, default=APIKey.Scope.READ)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = queries.active_user(options["user"])
            _, secret = services.make_api_key(
                user=user, name=options["name"], scope=APIKey.Scope(options["scope"]), reason="manage.py apikey"
            )
        except EnergyOptiError as problem:
            self.stderr.write(problem.detail)
            sys.exit(1)
        self.stdout.write(secret)
