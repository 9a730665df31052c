"""What people do for themselves (keys) and for their organisation (who belongs to it)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from energyopti.errors import EnergyOptiError
from energyopti.organisations import invitations, mails, queries, services
from energyopti.organisations.errors import MailNotSent
from energyopti.organisations.forms import InviteForm, KeyForm, RoleForm, site_of
from energyopti.organisations.models import APIKey, Membership, Organisation, User

ON_PAGE = "on the people page"


def link_maker(request: HttpRequest) -> Callable[[str], str]:
    return lambda token: site_of(request) + reverse("invitation", args=[token])


# --- people ----------------------------------------------------------------------------------------


@require_http_methods(["GET"])
@never_cache
@login_required
def people(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Who administers nothing sees where they belong, and whom to ask."""
    user = cast(User, request.user)
    if slug:
        return _people(request, _organisation(request, slug))
    if first := queries.administered_by(user).first():
        return _people(request, first)
    return render(request, "organisations/belonging.html", {"memberships": queries.belonging_of(user)})


@require_POST
@never_cache
@login_required
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    organisation, form = _organisation(request, slug), InviteForm(request.POST)
    if not form.is_valid():
        return _people(request, organisation, form=form, status=400)
    email, role = form.cleaned_data["email"], Membership.Role(form.cleaned_data["role"])
    by = cast(User, request.user)
    try:
        _, link = invitations.invite(organisation=organisation, email=email, role=role, by=by, link=link_maker(request), reason=ON_PAGE)
    except EnergyOptiError as problem:
        return _people(request, organisation, form=form, problem=problem)
    if mails.goes_to_console():  # the only other place where the link stands is the log
        return _people(request, organisation, link=link, invited=email)
    messages.success(request, f"{email} is invited.")
    return redirect("people", slug=organisation.slug)


@require_POST
@login_required
def change_role(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    organisation = _organisation(request, slug)
    membership = get_object_or_404(queries.members_of(organisation), pk=pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _people(request, organisation, status=400)
    role = Membership.Role(form.cleaned_data["role"])
    told = f"{membership.user} is {role.label.lower()} now."
    return _done(request, organisation, told, lambda by: services.change_role(membership=membership, role=role, by=by, reason=ON_PAGE))


@require_POST
@login_required
def remove(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    organisation = _organisation(request, slug)
    membership = get_object_or_404(queries.members_of(organisation), pk=pk)
    told = f"{membership.user} no longer belongs to {organisation}."
    return _done(request, organisation, told, lambda by: services.remove_member(membership=membership, by=by, reason=ON_PAGE))


@require_POST
@login_required
def withdraw(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    organisation = _organisation(request, slug)
    invitation = get_object_or_404(queries.pending_invitations().filter(organisation=organisation), pk=pk)
    told = f"The link that {invitation.email} was sent opens nothing any more."
    return _done(request, organisation, told, lambda by: invitations.withdraw(invitation=invitation, by=by, reason=ON_PAGE))


def _organisation(request: HttpRequest, slug: str) -> Organisation:
    """One that the user administers: any other is not there."""
    return get_object_or_404(queries.administered_by(cast(User, request.user)), slug=slug)


def _done(request: HttpRequest, organisation: Organisation, told: str, act: Callable[[User], object]) -> HttpResponse:
    try:
        act(cast(User, request.user))
    except EnergyOptiError as problem:
        return _people(request, organisation, problem=problem)
    messages.success(request, told)
    if not queries.administers(cast(User, request.user), organisation):  # of oneself
        return redirect("overview")
    return redirect("people", slug=organisation.slug)


def _people(
    request: HttpRequest,
    organisation: Organisation,
    *,
    form: InviteForm | None = None,
    problem: EnergyOptiError | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    context = {
        "organisation": organisation,
        "organisations": queries.administered_by(cast(User, request.user)),
        "members": queries.members_of(organisation),
        "invitations": queries.pending_invitations().filter(organisation=organisation).select_related("invited_by"),
        "roles": Membership.Role,
        "form": form or InviteForm(),
        "problem": problem.detail if problem else "",
        "invitation_stands": isinstance(problem, MailNotSent),
        **more,
    }
    return render(request, "organisations/people.html", context, status=problem.status if problem else status)


# --- keys ------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@never_cache
@login_required
def keys(request: HttpRequest) -> HttpResponse:
    """A new key is shown by the answer that made it, and never again."""
    user, secret = cast(User, request.user), ""
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        scope = APIKey.Scope(form.cleaned_data["scope"])
        try:
            _, secret = services.make_api_key(
                user=user, name=form.cleaned_data["name"], scope=scope, expires_at=form.expires_at(), reason="on the keys page"
            )
            form = KeyForm()
        except EnergyOptiError as problem:
            form.add_error("name", problem.detail)
    context = {"keys": queries.keys_of(user), "usable": set(queries.usable_keys().filter(user=user)), "form": form, "secret": secret}
    return render(request, "organisations/keys.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def revoke_key(request: HttpRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(queries.keys_of(cast(User, request.user)), pk=pk)
    services.revoke(key=key, reason="on the keys page")
    messages.success(request, f"The key {key.name} opens nothing any more.")
    return redirect("keys")
