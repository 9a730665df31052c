"""Organisations, their people, and the keys of programs."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from simple_history.models import HistoricalRecords

from energyopti import logs


class User(AbstractUser):
    """A person or a program that logs in. Who has left is made inactive: the history still names them."""

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_once",
                condition=~Q(email=""),
                violation_error_message="There is already a user with this e-mail address.",
            )
        ]


class Trace(models.Model):
    """What a history row tells besides who and when: the request, and the API key that was used."""

    request_id = models.CharField(max_length=80, blank=True, default=logs.request_id)
    api_key = models.CharField(max_length=8, blank=True, default=logs.api_key)  # the key's public prefix

    class Meta:
        abstract = True


class Organisation(models.Model):
    """Whoever owns certificates and positions here. Sandbox and real organisations never meet in one command."""

    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=200)
    sandbox = models.BooleanField(default=False)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="organisations")
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords(bases=[Trace])

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(name="organisation_slug_once", fields=["slug"]),
            models.CheckConstraint(name="organisation_slug_plain", condition=Q(slug__regex=r"^[a-z0-9][a-z0-9-]*$")),
            models.CheckConstraint(name="organisation_named", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return f"{self.name} (sandbox)" if self.sandbox else self.name


class Membership(models.Model):
    """What a person may do for an organisation."""

    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer"
        TRADER = "trader", "Trader"
        COMPLIANCE_OFFICER = "compliance_officer", "Compliance officer"
        ADMINISTRATOR = "administrator", "Administrator"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords(bases=[Trace])

    class Meta:
        constraints = [
            models.UniqueConstraint(name="membership_once", fields=["user", "organisation"]),
            models.CheckConstraint(
                name="membership_role_known", condition=Q(role__in=["viewer", "trader", "compliance_officer", "administrator"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} of {self.organisation}"


class Invitation(models.Model):
    """A way in for one e-mail address, once, until it expires. Only the hash of the link's secret is kept."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=20, choices=Membership.Role)
    hash = models.CharField(max_length=64)  # SHA-256 of 256 random bits, as an API key's
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)  # by a person, or because a newer one took its place
    history = HistoricalRecords(bases=[Trace], excluded_fields=["hash"])

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "organisation", Lower("email"), name="invitation_open_once", condition=Q(accepted_at=None, withdrawn_at=None)
            ),
            models.UniqueConstraint(name="invitation_hash_once", fields=["hash"]),
            models.CheckConstraint(name="invitation_hash_is_sha256", condition=Q(hash__regex=r"^[0-9a-f]{64}$")),
            models.CheckConstraint(
                name="invitation_role_known", condition=Q(role__in=["viewer", "trader", "compliance_officer", "administrator"])
            ),
            models.CheckConstraint(name="invitation_expires_after_creation", condition=Q(expires_at__gt=F("created_at"))),
            models.CheckConstraint(
                name="invitation_accepted_by_somebody",
                condition=Q(accepted_at=None, accepted_by=None) | Q(accepted_at__isnull=False, accepted_by__isnull=False),
            ),
            models.CheckConstraint(name="invitation_ends_once", condition=Q(accepted_at=None) | Q(withdrawn_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.get_role_display()} of {self.organisation}"


class APIKey(models.Model):
    """A program's way in, as its user. Only the secret's hash is kept: the key itself is shown once."""

    class Scope(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Read and write"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=8)  # public: tells keys apart in lists, logs and the history
    hash = models.CharField(max_length=64)  # SHA-256 of 256 random bits: nothing to guess, so no salt and no slow hash
    scope = models.CharField(max_length=5, choices=Scope, default=Scope.READ)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)  # to the minute
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    history = HistoricalRecords(bases=[Trace], excluded_fields=["hash", "last_used_at"])

    class Meta:
        verbose_name = "API key"
        ordering = ["user", "name"]
        constraints = [
            models.UniqueConstraint(name="apikey_prefix_once", fields=["prefix"]),
            models.UniqueConstraint(name="apikey_active_name_once", fields=["user", "name"], condition=Q(revoked_at=None)),
            models.CheckConstraint(name="apikey_scope_known", condition=Q(scope__in=["read", "write"])),
            models.CheckConstraint(name="apikey_named", condition=~Q(name="")),
            models.CheckConstraint(name="apikey_hash_is_sha256", condition=Q(hash__regex=r"^[0-9a-f]{64}$")),
            models.CheckConstraint(name="apikey_expires_after_creation", condition=Q(expires_at=None) | Q(expires_at__gt=F("created_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.name} (eo_{self.prefix}_…)"


class Installation(models.Model):
    """One row: how far the first start has come, so that the next start finishes what a crash cut short."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    people_made_at = models.DateTimeField(null=True)  # and their passwords told
    samples_loaded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(name="installation_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return "This installation"
