"""The journal and what follows from it. No code of ours writes these tables but the SQL functions behind recs/ledger.py.

command -> entry (append-only: a serial range goes from an account and bucket to another, continuing an earlier entry)
-> holding (who has which range now, a projection that can only follow the entries). The rules are constraints and
triggers: migrations/sql/0002_*.sql.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, BigIntegerRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now, Upper

from energyopti.organisations.models import Organisation
from recs.models.accounts import Account
from recs.models.batches import Batch
from recs.models.registries import Registry


class Bucket(models.IntegerChoices):
    ACTIVE = 1, "active"
    HELD = 2, "held"
    EXPORTED = 8, "exported"  # gone into another registry: like what is retired, it never comes back
    RETIRED = 9, "retired"


class Kind(models.TextChoices):
    """What a command is. The second block resolves an earlier command that awaits something."""

    ISSUE = "issue", "Issue"
    IMPORT = "import", "Import from another registry"
    RECEIVE = "receive", "Receive from outside"
    TRANSFER = "transfer", "Transfer"
    EXPORT = "export", "Export to another registry"
    RETIRE = "retire", "Retire"
    RESERVE = "reserve", "Reserve"
    REVERSE = "reverse", "Reverse"
    PAY = "pay", "Payment"
    CREDIT = "credit", "Credit limit"

    APPROVE = "approve", "Approve"
    ACCEPT = "accept", "Accept"
    CONFIRM = "confirm", "Confirmed by the registry"
    RELEASE = "release", "Release"
    REJECT = "reject", "Reject"
    CANCEL = "cancel", "Cancel"
    EXPIRE = "expire", "Expire"
    REFUSE = "refuse", "Refused by the registry"


class Stage(models.TextChoices):
    """What a command awaits before its certificates arrive; until then they are held."""

    APPROVAL = "approval", "a second person"
    ACCEPTANCE = "acceptance", "the receiver"
    REGISTRY = "registry", "the registry's confirmation"
    RELEASE = "release", "its release"


class Command(models.Model):
    """What somebody told the ledger to do, once a key. Its state is not stored: it follows from what resolved it.

    What a row must say, and that what it names is there, is the trigger command_guard's: it is some ten times as fast as CHECK
    constraints and foreign keys, which are read, planned and locked anew for each row.
    """

    key = models.UUIDField()
    request_hash = models.BinaryField()
    kind = models.CharField(max_length=10, choices=Kind)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", db_index=False, db_constraint=False)  # who acts
    # who else takes part
    counterparty = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    from_account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    to_account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    to_bucket = models.SmallIntegerField(choices=Bucket, null=True)
    quantity = models.BigIntegerField()
    awaiting = ArrayField(models.CharField(max_length=10, choices=Stage), default=list)  # in order; empty: posted
    # whose certificates this is about
    root = models.ForeignKey("self", models.PROTECT, null=True, related_name="steps", db_index=False, db_constraint=False)
    resolves = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="reversals", db_index=False, db_constraint=False)
    # an import follows an export
    export = models.ForeignKey("self", models.PROTECT, null=True, related_name="imports", db_index=False, db_constraint=False)
    # where an export goes
    to_registry = models.ForeignKey(Registry, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    price_cents = models.BigIntegerField(null=True)  # USD, of the whole quantity
    reason = models.CharField(max_length=200, blank=True)
    reference = models.CharField(max_length=100, blank=True)  # the registry's confirmation number
    reference_date = models.DateField(null=True)
    expires_at = models.DateTimeField(null=True)
    self_approved = models.BooleanField(default=False)
    # null: the clock
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    request_id = models.CharField(max_length=80, blank=True)
    api_key = models.CharField(max_length=8, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    hash = models.BinaryField()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(name="command_by_organisation", fields=["organisation", "-id"]),
            models.Index(name="command_by_counterparty", fields=["counterparty", "-id"], condition=Q(counterparty__isnull=False)),
            models.Index(name="command_exports", fields=["organisation"], condition=Q(kind="export")),
            models.Index(
                name="command_ended", fields=["organisation", "root"], condition=Q(kind__in=["reject", "cancel", "expire", "refuse"])
            ),
            models.Index(name="command_steps", fields=["root", "id"], condition=Q(root__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(name="command_key_once", fields=["key"]),
            models.UniqueConstraint(name="command_resolved_once", fields=["resolves"], condition=Q(resolves__isnull=False)),
            models.UniqueConstraint(name="command_reversed_once", fields=["reverses"], condition=Q(awaiting=[], reverses__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class Entry(models.Model):
    """A serial range moves. `prev` None: it was issued. `hash` covers the row and the hash of its predecessor.

    Where the trigger entry_chain looks a row up anyway, and nothing can delete that row, a foreign key would look again.
    """

    command = models.ForeignKey(Command, models.PROTECT, related_name="entries", db_constraint=False)
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="entries", db_index=False, db_constraint=False)
    serials = BigIntegerRangeField()
    from_account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    from_bucket = models.SmallIntegerField(choices=Bucket, null=True)
    to_account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    to_bucket = models.SmallIntegerField(choices=Bucket)
    prev = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    hash = models.BinaryField()

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["id"]
        indexes = [
            models.Index("prev", Lower("serials"), name="entry_by_predecessor"),
            models.Index(name="entry_by_batch", fields=["batch", "to_account"]),
        ]
        constraints = [
            ExclusionConstraint(
                name="issued_once",
                expressions=[("batch", RangeOperators.EQUAL), ("serials", RangeOperators.OVERLAPS)],
                condition=Q(prev=None),
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.pk}"


class Holding(models.Model):
    """Who has which range now, and by which entry: the trigger holding_guard sees that both say the same."""

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="holdings", db_index=False, db_constraint=False)
    serials = BigIntegerRangeField()
    account = models.ForeignKey(Account, models.PROTECT, related_name="holdings", db_index=False, db_constraint=False)
    bucket = models.SmallIntegerField(choices=Bucket)
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="holdings", db_index=False, db_constraint=False)
    quantity = models.GeneratedField(
        expression=Upper("serials", output_field=models.BigIntegerField()) - Lower("serials", output_field=models.BigIntegerField()),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )

    class Meta:
        indexes = [
            models.Index(name="holding_best_fit", fields=["account", "batch", "bucket", "quantity"]),  # portfolios read it alone, too
            models.Index("entry", Lower("serials"), name="holding_by_entry"),
            models.Index(name="holding_held", fields=["account"], condition=Q(bucket=2)),
        ]
        constraints = [
            ExclusionConstraint(name="owned_once", expressions=[("batch", RangeOperators.EQUAL), ("serials", RangeOperators.OVERLAPS)]),
        ]

    def __str__(self) -> str:
        return f"holding {self.pk}"


class Retirement(models.Model):
    """What certificates were retired for: one purpose a command, said when it is asked for."""

    command = models.OneToOneField(Command, models.PROTECT, primary_key=True, related_name="retirement")
    programme = models.CharField(max_length=60, blank=True)  # empty: voluntary
    state = models.CharField(max_length=2, blank=True)
    compliance_year = models.SmallIntegerField(null=True)
    tier = models.CharField(max_length=40, blank=True)
    beneficiary = models.CharField(max_length=200)
    reason = models.CharField(max_length=200)
    hash = models.BinaryField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="retirement_for_somebody", condition=~Q(beneficiary="")),
            models.CheckConstraint(name="retirement_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="retirement_programme_has_year",
                condition=Q(programme="") | Q(compliance_year__isnull=False, compliance_year__range=(1990, 2200)),
            ),
        ]

    def __str__(self) -> str:
        return f"retirement {self.pk}"


class Seal(models.Model):
    """A digest over all that the journal held, to be kept outside: what is changed afterwards no longer gives it."""

    upto_entry = models.BigIntegerField()
    upto_command = models.BigIntegerField()
    upto_cash_entry = models.BigIntegerField()
    entries = models.BigIntegerField()
    commands = models.BigIntegerField()
    digest = models.BinaryField()  # SHA-256, over the digest before and all hashes since, in the order of their ids
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(name="seal_goes_on", fields=["upto_command", "upto_entry", "upto_cash_entry"])]

    def __str__(self) -> str:
        return f"seal {self.pk}"
