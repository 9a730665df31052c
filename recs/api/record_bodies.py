"""What may be asked about the ledger, and written of its accounts and generators, field by field."""

from __future__ import annotations

from rest_framework import serializers

from energyopti.api.bodies import Body, Choice, Listed
from energyopti.api.table import HowTold
from recs import queries
from recs.api.bodies import CriteriaBody, reason_why
from recs.api.fields import Day, RegistryCode, Text
from recs.models import Account


class QueryBody(HowTold, CriteriaBody):
    owner_id = Text(required=False, max_length=60, help_text="the organisation's slug; left out: as in /rec/holdings")
    status = Choice(list(queries.STATUSES), required=False, help_text="left out: every one")


class AccountBody(Body):
    owner_id = Text(required=False, max_length=60, help_text="the organisation's slug; may be left out by who belongs to one alone")
    name = Text(max_length=120)
    kind = Choice(
        [kind.value for kind in Account.Kind if kind is not Account.Kind.WORLD],
        default="active",
        help_text="external: of a counterparty without a login",
    )
    registry = RegistryCode(required=False, help_text="takes certificates of this registry alone")
    registry_account = Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=60,
        help_text="the account there that this one mirrors: the registry confirms what leaves it",
    )
    reason = reason_why(100, told="why; kept in the history")


class AccountChangeBody(Body):
    """A new name, or that it is closed, or both."""

    name = Text(required=False, max_length=120, help_text="a new name")
    closed = serializers.BooleanField(required=False, help_text="true: closed for good; it must be empty")
    reason = reason_why(100, told="why; kept in the history")

    def validate_closed(self, closed: bool) -> bool:
        if not closed:
            raise serializers.ValidationError("an account that is closed stays closed; open another one", code="invalid")
        return closed


class RegistrationBody(Body):
    registry = RegistryCode()
    unit_id = Text(max_length=40, help_text="the name that the registry has for the generator: NON604366")


class EligibilityBody(Body):
    programme = Text(max_length=60, help_text="NJ Class I")
    first_day = Day(required=False, allow_null=True, default=None, help_text="left out: from ever")
    last_day = Day(required=False, allow_null=True, default=None, help_text="included; left out: for good")
    certification = Text(required=False, default="", allow_blank=True, max_length=60, help_text="the certification's number")


class GeneratorBody(Body):
    owner_id = Text(required=False, max_length=60, help_text="the organisation's slug; may be left out by who belongs to one alone")
    name = Text(max_length=120)
    fuel_type = Text(max_length=20, help_text="small letters and underscores: wind, landfill_gas")
    state = Text(max_length=2, help_text="two letters: IA")
    capacity_mw = serializers.DecimalField(max_digits=10, decimal_places=3)
    technology = Text(required=False, default="", allow_blank=True, max_length=60)
    commissioned_on = Day(first_year=1900, required=False, allow_null=True, default=None)
    registrations = Listed(child=RegistrationBody(), required=False, default=list, max_length=20)
    eligibilities = Listed(child=EligibilityBody(), required=False, default=list, max_length=100)
    reason = reason_why(100, told="why; kept in the history")
