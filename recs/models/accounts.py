"""Who holds certificates, and who has to look twice."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from energyopti.organisations.models import Organisation, Trace
from recs.models.registries import Registry


class Account(models.Model):
    """A place where certificates lie. What it is and whose it is never changes: an account that moved to another
    organisation would take its certificates along without an entry in the journal."""

    class Kind(models.TextChoices):
        ACTIVE = "active", "Active"
        RESERVE = "reserve", "Reserve"
        RETIREMENT = "retirement", "Retirement"  # receives retired certificates only
        EXPORT = "export", "Export"  # on their way into another registry
        EXTERNAL = "external", "External"  # a counterparty without a login
        WORLD = "world", "World"  # outside this book: one a registry, and one more for the sandbox

    OUTSIDE = (Kind.EXTERNAL, Kind.WORLD)

    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=120)
    registry = models.ForeignKey(Registry, models.PROTECT, null=True, blank=True, related_name="+")
    registry_account = models.CharField(max_length=60, blank=True)  # the account there that this one mirrors; empty: none
    sandbox = models.BooleanField()
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords(bases=[Trace])

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                name="account_kind_known",
                condition=Q(kind__in=["active", "reserve", "retirement", "export", "external", "world"]),
            ),
            models.CheckConstraint(
                name="account_world_belongs_to_nobody",
                condition=Q(kind="world", organisation=None, registry__isnull=False) | (~Q(kind="world") & Q(organisation__isnull=False)),
            ),
            models.CheckConstraint(
                name="account_mirror_names_its_registry",
                condition=Q(registry_account="") | (Q(registry__isnull=False) & ~Q(kind__in=["external", "world"])),
            ),
            models.CheckConstraint(name="account_named", condition=~Q(name="")),
            models.CheckConstraint(name="account_closed_after_opened", condition=Q(closed_at=None) | Q(closed_at__gte=F("opened_at"))),
            models.UniqueConstraint(name="account_world_once", fields=["registry", "sandbox"], condition=Q(kind="world")),
            models.UniqueConstraint(name="account_name_once", fields=["organisation", "name"]),
            models.UniqueConstraint(
                name="account_mirrored_once", fields=["organisation", "registry", "registry_account"], condition=~Q(registry_account="")
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def mirrors(self) -> bool:
        """Whether a registry has the last word: what leaves it waits for the registry's confirmation."""
        return bool(self.registry_account)


class Policy(models.Model):
    """Which actions of an organisation need a second person; an organisation without a row: all of them."""

    class Action(models.TextChoices):
        ISSUE = "issue", "Issue"
        RECEIVE = "receive", "Receive from outside"
        TRANSFER = "transfer", "Transfer"
        RETIRE = "retire", "Retire"
        EXPORT = "export", "Export"
        IMPORT = "import", "Import"
        REVERSE = "reverse", "Reverse"
        CONFIRM = "confirm", "Enter a registry's confirmation"

    organisation = models.OneToOneField(Organisation, models.PROTECT, related_name="+", primary_key=True)
    four_eyes = ArrayField(models.CharField(max_length=10, choices=Action), blank=True)
    offer_days = models.PositiveSmallIntegerField(default=14)  # an offer or a request that nobody answered expires
    history = HistoricalRecords(bases=[Trace])

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                name="policy_actions_known",
                condition=Q(four_eyes__contained_by=["issue", "receive", "transfer", "retire", "export", "import", "reverse", "confirm"]),
            ),
            models.CheckConstraint(name="policy_offer_days_sane", condition=Q(offer_days__range=(1, 366))),
        ]

    def __str__(self) -> str:
        return f"Policy of {self.organisation}"
