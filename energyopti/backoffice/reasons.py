"""Acting with a reason: a page between the button and the deed that shows what will happen and asks why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from kombu.exceptions import OperationalError

from energyopti.errors import EnergyOptiError


class ReasonForm(forms.Form):
    """What somebody wants to set, and why. Fields besides `reason` are parameters that the plan depends on."""

    reason = forms.CharField(
        max_length=500,
        label="Reason",
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}),
        help_text="Kept with what happens now, for whoever asks later.",
    )

    def __init__(self, *args: Any, confirming: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])
        if not confirming:  # a first look at the figures needs no reason yet
            self.fields["reason"].required = False
            self.fields["reason"].widget.is_required = True

    @property
    def parameters(self) -> dict[str, Any]:
        """What was asked for and can be read."""
        self.errors  # noqa: B018 -- looking at them cleans the form
        return {name: value for name, value in self.cleaned_data.items() if name != "reason"}


class ShortReasonForm(ReasonForm):
    """For what is kept in a history, whose reasons have 100 characters."""

    reason = forms.CharField(max_length=100, label="Reason", help_text="Kept in the history, for whoever asks later.")


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen: sentences, then a table. `possible` False: there is nothing to confirm."""

    sentences: tuple[str, ...]
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    possible: bool = True


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a person may do: `plan` says what would happen with these parameters, `act` does it and says so.

    A plan is None as long as nothing was asked for. Both may raise EnergyOptiError, which the page shows at the field that it names.
    """

    title: str
    button: str
    form: Callable[..., ReasonForm]
    plan: Callable[[Mapping[str, Any]], Plan | None]
    act: Callable[[Mapping[str, Any], str], str]
    back: str
    initial: Mapping[str, Any] = field(default_factory=dict)
    hidden: Sequence[tuple[str, Any]] = ()  # what the page must send again


def ask(request: HttpRequest, deed: Deed, context: Mapping[str, Any]) -> HttpResponse:
    """The page, or the deed once it is confirmed. Only what was shown is done: parameters changed since are shown first."""
    confirming = "_confirm" in request.POST
    told = confirming or "_show" in request.POST
    form = deed.form(request.POST, confirming=confirming) if told else deed.form(initial=deed.initial)
    plan = _planned(form, deed)
    shown = _fingerprint(form)
    if confirming and form.is_valid() and plan and plan.possible:
        if request.POST.get("_shown") != shown:
            messages.warning(request, "Below is what will happen now. It is not what you were shown before: confirm once more.")
        elif done := _done(form, deed):
            messages.success(request, done)
            return HttpResponseRedirect(deed.back)
    page = {**context, "title": deed.title, "deed": deed, "form": form, "plan": plan, "shown": shown}
    return TemplateResponse(request, "admin/ask_reason.html", {**page, "has_parameters": len(form.fields) > 1})


def _planned(form: ReasonForm, deed: Deed) -> Plan | None:
    if form.is_bound and any(name in form.errors for name in form.fields if name != "reason"):
        return None
    try:
        return deed.plan(form.parameters if form.is_bound else deed.initial)
    except EnergyOptiError as problem:
        if not form.is_bound:
            return Plan((problem.detail,), possible=False)
        _complain(form, problem)
        return None


def _done(form: ReasonForm, deed: Deed) -> str:
    try:
        return deed.act(form.parameters, form.cleaned_data["reason"])
    except EnergyOptiError as problem:
        _complain(form, problem)
    except OperationalError:
        form.add_error(None, "No worker can be told just now, as Redis does not answer: look what has begun, and try again.")
    return ""


def _complain(form: ReasonForm, problem: EnergyOptiError) -> None:
    form.add_error(problem.field if problem.field in form.fields else None, problem.detail)


def _fingerprint(form: ReasonForm) -> str:
    """Of what was asked for; the figures themselves may move while somebody reads them."""
    if form.is_bound:
        asked = form.parameters
    else:
        asked = {name: form.get_initial_for_field(each, name) for name, each in form.fields.items() if name != "reason"}
    told = json.dumps({name: str(asked[name] or "") for name in sorted(asked)})
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def ask_for_rows(office: Any, request: HttpRequest, deed: Deed, *, action: str) -> HttpResponse:
    """The page for an action on selected rows: it sends the same selection again, to the same list."""
    again = [(ACTION_CHECKBOX_NAME, pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)]
    again += [("action", action), ("select_across", request.POST.get("select_across", "0"))]
    context = {**office.admin_site.each_context(request), "opts": office.model._meta, "media": office.media}
    return ask(request, replace(deed, hidden=[*again, *deed.hidden]), context)
