"""Forms of people and keys. What they allow is said again by the services."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.forms import PasswordResetForm as DjangosResetForm
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone
from kombu.exceptions import OperationalError

from energyopti.organisations import tasks
from energyopti.organisations.models import APIKey, Invitation, Membership, User

NEVER = "never"
KEY_LIFETIMES = (("30", "30 days"), ("90", "90 days"), ("365", "a year"), (NEVER, "never"))


class InviteForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = Invitation
        fields = ("email", "role")
        labels = {"email": "E-mail"}


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = Membership
        fields = ("role",)


class AcceptForm(BaseUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("username",)


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    lifetime = forms.ChoiceField(choices=KEY_LIFETIMES, initial="90", label="Expires after")

    class Meta:
        model = APIKey
        fields = ("name", "scope")

    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["lifetime"]
        return None if days == NEVER else timezone.now() + timedelta(days=int(days))


class ResetForm(DjangosResetForm):
    """The mail is a worker's work: a known address takes no longer than an unknown one."""

    def clean(self) -> dict[str, Any]:
        """Sent from here, so that a broker that is away is an error of the form, whatever the address."""
        cleaned = super().clean() or {}
        if "email" in cleaned:
            try:
                tasks.send_password_reset.apply_async((cleaned["email"], self.site), retry=False)
            except OperationalError:
                raise ValidationError("Mail cannot be sent just now: try again in a few minutes.") from None
        return cleaned

    def __init__(self, *args: Any, site: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.site = site

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to do any more."""


class MemberFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """The back office's rows of members: a change that the database would refuse is told beside the form."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors):  # a half-filled row says so itself
            return
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data]
        before = any(form.initial.get("role") == Membership.Role.ADMINISTRATOR for form in self.initial_forms)
        stays = any(row["role"] == Membership.Role.ADMINISTRATOR and row["user"].is_active for row in rows if not row.get("DELETE"))
        if before and not stays:
            raise ValidationError("An organisation keeps an administrator: make another one first.")


def site_of(request: HttpRequest) -> str:
    """https://host, for links in mails; the host is one of ALLOWED_HOSTS."""
    return request.build_absolute_uri("/").rstrip("/")
