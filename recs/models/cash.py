"""What counterparties owe each other: double entry, in whole US cents."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from energyopti.organisations.models import Organisation
from recs.models.accounts import Account
from recs.models.journal import Command


class CashAccount(models.Model):
    """A line in an organisation's books. `party`: what a counterparty owes it (negative: what it owes), at most as much below
    zero as that counterparty allows; `trading` and `bank` are where the other half of an entry stands."""

    class Kind(models.TextChoices):
        PARTY = "party", "Counterparty"
        TRADING = "trading", "Bought and sold"
        BANK = "bank", "Bank"

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=7, choices=Kind)
    counterparty = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    external = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")  # a counterparty without a login
    balance_cents = models.BigIntegerField(default=0)
    credit_limit_cents = models.BigIntegerField(default=0)  # what the counterparty lets it owe
    last_entry = models.BigIntegerField(null=True)  # the number of the entry that brought the balance to where it is

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="cash_account_once", fields=["organisation", "kind", "counterparty", "external"], nulls_distinct=False
            ),
            models.CheckConstraint(
                name="cash_party_is_one",
                condition=Q(kind="party", counterparty__isnull=False, external=None)
                | Q(kind="party", counterparty=None, external__isnull=False)
                | Q(kind__in=["trading", "bank"], counterparty=None, external=None),
            ),
            models.CheckConstraint(
                name="cash_within_credit_limit",
                condition=~Q(kind="party", external=None) | Q(balance_cents__gte=-F("credit_limit_cents")),
            ),
            models.CheckConstraint(name="cash_limit_not_negative", condition=Q(credit_limit_cents__gte=0)),
            models.CheckConstraint(name="cash_not_with_itself", condition=Q(counterparty=None) | ~Q(counterparty=F("organisation"))),
        ]

    def __str__(self) -> str:
        return f"cash {self.pk}"


class CashEntry(models.Model):
    """One leg; the legs of a command sum to zero."""

    command = models.ForeignKey(Command, models.PROTECT, related_name="cash")
    account = models.ForeignKey(CashAccount, models.PROTECT, related_name="entries")
    amount_cents = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        verbose_name_plural = "cash entries"
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="cash_entry_not_zero", condition=~Q(amount_cents=0))]

    def __str__(self) -> str:
        return f"cash entry {self.pk}"
