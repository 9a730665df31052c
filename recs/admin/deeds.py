"""Commands of the ledger as deeds with a reason: what would happen is found by doing it, and taking it back.

The page carries a key, made when it is first shown: a double click, or a page sent again, does it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from energyopti.backoffice.reasons import Deed, Plan, ReasonForm, ask
from recs.models import Command
from recs.models.journal import Stage
from recs.queries import CommandRow, Piece, outcome

LISTED = 50  # ranges that a page shows one by one
HEADINGS = ("serials", "registry", "vintage", "fuel", "state", "generator", "MWh")


class CommandForm(ReasonForm):
    reason = forms.CharField(
        max_length=200,
        label="Reason",
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}),
        help_text="Kept in the journal with the command, for whoever asks later.",
    )


Send = Callable[[UUID, Mapping[str, Any], str], int]  # key, parameters, reason → the command that was asked for


@dataclass(frozen=True, slots=True)
class Order:
    """A command that somebody may give. `send` calls the ledger, and returns the number of what was asked for (its root)."""

    title: str
    button: str
    form: Callable[..., CommandForm]
    send: Send
    back: str
    initial: Mapping[str, Any] | None = None  # None: there is nothing to ask for but the reason, and what will happen is shown at once


def give(request: HttpRequest, order: Order, *, opts: Any = None, crumbs: tuple[tuple[str, str], ...] = ()) -> HttpResponse:
    """The page of an order, or what became of it."""
    key = key_of(request)
    asked = order.initial is None or "_show" in request.POST or "_confirm" in request.POST
    deed = Deed(
        title=order.title,
        button=order.button,
        form=order.form,
        plan=partial(_plan, order, key) if asked else _nothing_yet,
        act=partial(_act, order, key),
        back=order.back,
        initial=order.initial or {},
        hidden=[("_key", str(key))],
    )
    return ask(request, deed, {**admin.site.each_context(request), "opts": opts, "crumbs": crumbs})


def key_of(request: HttpRequest) -> UUID:
    """That of the page; whoever sends none, or nonsense, begins anew."""
    try:
        return UUID(request.POST.get("_key", ""))
    except ValueError:
        return uuid4()


def _nothing_yet(parameters: Mapping[str, Any]) -> None:
    return None


def _plan(order: Order, key: UUID, parameters: Mapping[str, Any]) -> Plan:
    if Command.objects.filter(key=key).exists():  # sent again: the ledger says what became of it, and does nothing twice
        return Plan(("This was done already.",))
    with rehearsed():
        found = outcome(order.send(uuid4(), parameters, "to see what would happen"))
    if found is None:
        return Plan(("There is nothing of this number that you may use.",), possible=False)
    rows = tuple(map(piece_row, found.ranges[:LISTED]))
    left = len(found.ranges) - len(rows)
    more = (f"The first {LISTED} of its {len(found.ranges)} ranges:",) if left else ()
    return Plan((what(found), *then(found), *more), HEADINGS, rows)


def _act(order: Order, key: UUID, parameters: Mapping[str, Any], reason: str) -> str:
    number = order.send(key, parameters, reason)
    found = outcome(number)
    address = reverse("admin:recs_command_change", args=[number])
    return format_html('<a href="{}">Command {}</a>: {} It is {}.', address, number, what(found), found.status) if found else ""


@contextmanager
def rehearsed() -> Iterator[None]:
    """What is done inside is undone, its proofs included, which otherwise wait for the COMMIT."""
    with transaction.atomic():
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


# --- in words ----------------------------------------------------------------------------------------


def what(row: CommandRow) -> str:
    """Moves, or owes: "300 certificates go from main to other."."""
    amount = f"{row.quantity:,} certificate{'' if row.quantity == 1 else 's'}"
    source, target = row.from_account or f"account {row.from_account_id}", row.to_account or f"account {row.to_account_id}"
    whose = f" of {row.counterparty}" if row.counterparty and row.mine and not row.to_account else ""
    price = f", for {row.price_usd:,.2f} USD" if row.price_usd is not None else ""
    moves = {
        "issue": f"{amount} come into being in {target}",
        "import": f"{amount} come into {target}, which were exported elsewhere",
        "retire": f"{amount} in {source} retire: they never move again",
        "reserve": f"{amount} in {source} {'are' if row.awaiting else 'were'} kept apart",
        "export": f"{amount} leave {source} for the registry {row.to_registry}",
        "reverse": f"{amount} go back from {source} to {target}",
        "pay": f"{row.counterparty or 'Somebody outside'} paid {row.price_usd:,.2f} USD to {row.owner}" if row.price_usd else "",
        "credit": f"{row.counterparty} may owe {row.owner} up to {row.price_usd or 0:,.2f} USD",
    }
    return moves.get(row.kind, f"{amount} go from {source} to {target}{whose}{price}") + "."


def then(row: CommandRow) -> tuple[str, ...]:
    """What it waits for, and whether one person did it alone."""
    if row.status in ("rejected", "cancelled", "expired"):
        return (f"It is {row.status}: the certificates go back to where they were.",)
    told = []
    if row.awaiting == (Stage.RELEASE,):
        told.append("They are held until they are released.")
    elif row.awaiting:
        stages = ", then ".join(stage_words(row, stage) for stage in row.awaiting)
        told.append(f"It waits for {stages}. Until then they are held.")
    else:
        told.append("They are free again." if row.kind == "reserve" else "With that it is done.")
    if row.self_approved:
        told.append("No second person looks at it, by the organisation's policy: it is marked as self-approved.")
    return tuple(told)


def stage_words(row: CommandRow, stage: str) -> str:
    if stage == Stage.APPROVAL:
        return f"a second person of {row.owner}"
    if stage == Stage.ACCEPTANCE:
        return f"{row.counterparty} to accept it"
    return str(Stage(stage).label)


def piece_row(piece: Piece) -> tuple[Any, ...]:
    vintage = f"{piece.vintage:%Y-%m}"
    return piece.serials, piece.registry, vintage, piece.fuel_type, piece.state, piece.generator, f"{piece.quantity_mwh:,}"
