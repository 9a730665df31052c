"""Ways in: login, the locked door, a forgotten password, an invitation."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, password_validation
from django.contrib.auth import views as auth
from django.contrib.auth.forms import PasswordResetForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from energyopti.errors import EnergyOptiError
from energyopti.organisations import invitations, lockout, queries
from energyopti.organisations.errors import InvitationClosed
from energyopti.organisations.forms import AcceptForm, ResetForm, site_of
from energyopti.organisations.models import Invitation, User

BACKEND = "django.contrib.auth.backends.ModelBackend"


class Login(auth.LoginView):
    redirect_authenticated_user = True


def locked(request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None) -> HttpResponse:
    """What somebody sees who guessed too often; the same for a name that nobody has."""
    username = str((credentials or {}).get("username") or "")
    address = lockout.address_of(request)
    seconds = lockout.seconds_left(username=username, address=address)
    failures = lockout.MOST_FROM_ADDRESS if lockout.address_is_locked(address) else settings.AXES_FAILURE_LIMIT
    return _later(request, seconds, failures=failures, whole_address=failures == lockout.MOST_FROM_ADDRESS)


def _later(request: HttpRequest, seconds: int, **context: Any) -> HttpResponse:
    answer = render(request, "registration/locked.html", {"minutes": -(-seconds // 60), **context}, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


class PasswordChange(auth.PasswordChangeView):
    success_url = reverse_lazy("keys")
    extra_context = {"policy": password_validation.password_validators_help_texts}

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        messages.success(self.request, "Your password is changed. Your other browsers are logged out; your API keys still open.")
        return answer


class PasswordReset(auth.PasswordResetView):
    form_class = ResetForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not lockout.may_ask_for_mail(lockout.address_of(request)):
            return _later(request, lockout.RESETS_SECONDS, resets=lockout.RESETS_FROM_ADDRESS)
        return super().post(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "site": site_of(self.request)}

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        form.save()
        return redirect("password_reset_done")


class PasswordResetConfirm(auth.PasswordResetConfirmView):
    success_url = reverse_lazy("login")
    extra_context = {"policy": password_validation.password_validators_help_texts}

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        lockout.forgive(form.user.get_username())
        messages.success(self.request, "Your password is changed. Log in with it.")
        return answer


@require_http_methods(["GET", "POST"])
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The invited person makes an account, or, having one with this address, accepts with it."""
    try:
        found = queries.invitation_for(token)
    except InvitationClosed as problem:
        return render(request, "registration/invitation_closed.html", {"detail": problem.detail}, status=problem.status)
    if queries.user_with_email(found.email):
        return _with_account(request, found, token)
    return _without_account(request, found, token)


def _with_account(request: HttpRequest, found: Invitation, token: str) -> HttpResponse:
    user = cast(User, request.user)
    context = {"invitation": found, "mine": user.is_authenticated and user.email.lower() == found.email.lower()}
    if request.method != "POST" or not user.is_authenticated:
        return render(request, "registration/invitation_join.html", context)
    try:
        invitations.accept_as(token=token, user=user)
    except EnergyOptiError as problem:
        return render(request, "registration/invitation_join.html", {**context, "problem": problem.detail}, status=problem.status)
    return _welcome(request, found)


def _without_account(request: HttpRequest, found: Invitation, token: str) -> HttpResponse:
    form = AcceptForm(request.POST or None, initial={"username": found.email.partition("@")[0]}, instance=User(email=found.email))
    if request.method == "POST" and form.is_valid():
        try:
            user = invitations.accept_as_new(token=token, username=form.cleaned_data["username"], password=form.cleaned_data["password1"])
        except EnergyOptiError as problem:
            form.add_error("username" if problem.field else None, problem.detail)
        else:
            login(request, user, backend=BACKEND)
            return _welcome(request, found)
    context = {"invitation": found, "form": form, "policy": password_validation.password_validators_help_texts}
    return render(request, "registration/invitation.html", context, status=400 if form.errors else 200)


def _welcome(request: HttpRequest, found: Invitation) -> HttpResponse:
    messages.success(request, f"You belong to {found.organisation} now, as {found.get_role_display().lower()}.")
    return redirect(settings.LOGIN_REDIRECT_URL)
