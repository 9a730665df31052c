"""Attacks on the journal and on commands: rewriting it, adding to it, resolving or reversing what is not one's own."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from tests.recs.attacks.cash import PRICED
from tests.recs.attacks.stage import ACTIVE, HELD, RETIRED, Stage, sql
from tests.recs.attacks.table import PURPOSE_PROVED, SAYS_SO, Guard, attack, constraint, index, says, trigger

# --- I5: append-only ------------------------------------------------------------------------------------------

JOURNAL = {  # a table, and a change to its rows that nobody would notice
    "recs_command": "reason = 'because'",
    "recs_entry": "hash = 'x'",
    "recs_retirement": "beneficiary = 'Somebody else'",
    "recs_cashentry": "amount_cents = amount_cents * 2",
    "recs_seal": "digest = 'x'",
}
HISTORIES = ("registry", "account", "policy", "generator", "registration", "eligibility", "batch", "generationread")


def one_row(statement: str, w: Stage) -> None:
    sql(statement)


def everything(table: str, w: Stage) -> None:
    sql(f"TRUNCATE {table} CASCADE")


def as_replica(act: Any, w: Stage) -> None:
    """How a restored dump, or a superuser in a hurry, goes round ordinary triggers."""
    sql("SET LOCAL session_replication_role = replica")
    act(w)


def ordinary(guard: Guard) -> Guard:
    """The trigger still there, without ALWAYS."""
    return Guard(guard.name, tuple(statement.replace("DISABLE", "ENABLE") for statement in guard.drop))


EMPTIED = trigger(
    "append_only",
    *(
        f"{table}.never_emptied"
        for table in [*JOURNAL, "recs_holding", "recs_cashaccount", "recs_batch", "recs_generationread", "recs_account"]
    ),
    *(f"recs_historical{name}.never_emptied" for name in HISTORIES),
)

for table, change in JOURNAL.items():
    guard = trigger("append_only", f"{table}.append_only")
    first = "SELECT min(command_id) FROM recs_retirement" if table == "recs_retirement" else f"SELECT min(id) FROM {table}"
    pk = "command_id" if table == "recs_retirement" else "id"
    spared = "SELECT max(id) FROM recs_command WHERE kind = 'reverse'" if table == "recs_command" else first  # no foreign key's
    rewrite = partial(one_row, f"UPDATE {table} SET {change} WHERE {pk} = ({first})")
    erase = partial(one_row, f"DELETE FROM {table} WHERE {pk} = ({spared})")
    attack("I5", f"a row of {table} is rewritten", guard)(rewrite)
    attack("I5", f"a row of {table} is erased", guard)(erase)
    attack("I5", f"a row of {table} is erased by a replica", ordinary(guard))(partial(as_replica, erase))
    attack("I5", f"{table} is emptied", EMPTIED)(partial(everything, table))

for table in ("recs_holding", "recs_cashaccount", "recs_account"):
    guard = trigger("append_only", f"{table}.never_deleted")
    attack("I5", f"{table} is emptied", EMPTIED)(partial(everything, table))
    attack("I5", f"a row of {table} is erased by a replica", ordinary(guard))(
        partial(as_replica, partial(one_row, f"DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table})"))
    )
attack("I5", "a holding is erased", trigger("append_only", "recs_holding.never_deleted"), breaks="none lost, none made; conserved")(
    partial(one_row, "DELETE FROM recs_holding WHERE id = (SELECT max(id) FROM recs_holding)")
)
attack(
    "I5",
    "the triggers of a replica do not fire, and a holding is shrunk",
    ordinary(trigger("entry_conserved", "recs_holding.holding_proved")),
)(partial(as_replica, lambda w: w.alter_holding(500, "serials = int8range(500, 1001)")))

for name in HISTORIES:
    table = f"recs_historical{name}"
    guard = trigger("append_only", f"{table}.history_is_append_only")
    last = f"WHERE history_id = (SELECT max(history_id) FROM {table})"
    attack("I5", f"the history of a {name} is rewritten", guard)(
        partial(one_row, f"UPDATE {table} SET history_change_reason = 'another' {last}")
    )
    attack("I5", f"the history of a {name} is erased", guard)(partial(one_row, f"DELETE FROM {table} {last}"))
    attack("I5", f"the history of a {name} is emptied", EMPTIED)(partial(everything, table))


@attack("I5", "more entries for a command of before", trigger("command_is_over", "recs_entry.entry_chain"), breaks="does what it says")
def added_later(w: Stage) -> None:
    own_hash(w, w.done["away"])


def own_hash(w: Stage, command: int) -> None:
    entry = w.entry(command, 361, 1000, prev=w.entry_of(500), frm=(w.main.pk, ACTIVE), to=(w.other.pk, ACTIVE))
    w.alter_holding(500, "account_id = %s, entry_id = %s", w.other.pk, entry)


@attack(
    "I5",
    "more entries after the proof, in one transaction",
    trigger("command_is_over", "recs_entry.entry_chain"),
    breaks="does what it says",
)
def added_after_proof(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=5)
    w.piece(command, 996, 1000, account=w.other.pk, bucket=ACTIVE)
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("SET CONSTRAINTS ALL DEFERRED")
    sql("RESET ALL")  # no setting of the session's remembers the proof
    entry = w.entry(command, 361, 995, prev=w.entry_of(500), frm=(w.main.pk, ACTIVE), to=(w.other.pk, ACTIVE))
    w.alter_holding(500, "account_id = %s, entry_id = %s", w.other.pk, entry)


# --- I6: once a key ---------------------------------------------------------------------------------------------


@attack("I6", "a second command with the key of the first", constraint("recs_command", "command_key_once"), breaks="one effect a key")
def same_key(w: Stage) -> None:
    used = sql("SELECT key FROM recs_command WHERE id = %s", w.done["away"])
    w.piece(w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=9, key=used), 500, 508, account=w.other.pk, bucket=ACTIVE)


# --- commands do what they say ------------------------------------------------------------------------------------


@attack("I3", "a command moves fewer than it says", SAYS_SO, breaks="does what it says")
def fewer(w: Stage) -> None:
    w.piece(w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=10), 500, 508, account=w.other.pk, bucket=ACTIVE)


@attack("I3", "a command moves them elsewhere than it says", SAYS_SO)
def elsewhere(w: Stage) -> None:
    w.piece(w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=9), 500, 508, account=w.west.main.pk, bucket=ACTIVE)


@attack("I3", "a command that awaits something moves them already", SAYS_SO)
def already(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=9, awaiting=["approval"])
    w.piece(command, 500, 508, account=w.other.pk, bucket=ACTIVE)


def plain(name: str, what: str, *more: Guard, kind: str = "transfer", **told: Any) -> None:
    """A command that is as it should be but for what is told."""

    def act(w: Stage) -> None:
        command = w.command(kind, frm=w.main.pk, to=w.other.pk, quantity=9, **told)
        account, bucket = (w.main, HELD) if "awaiting" in told else (w.other, ACTIVE)
        w.piece(command, 500, 508, account=account.pk, bucket=bucket)

    attack("I3", what, says(name), *more)(act)


plain("command_kind_known", "a command of no kind", kind="conjure")
plain("command_stages_known", "a command that awaits what nobody does", awaiting=["rain"])
plain("command_price_not_negative", "a command that pays its buyer", PRICED, price_cents=-100)
plain("command_made_by_somebody", "a command of nobody", made_by_id=None)
plain("command_names_what_is_there", "a command of somebody who is not there", made_by_id=999_999_999)
plain("command_names_what_is_there", "a command with somebody who is not there", counterparty_id=999_999_999)
plain("command_import_names_export", "an import of nothing", kind="import")
plain("command_reverse_names_what", "a reversal of nothing", kind="reverse")


@attack("I3", "a command without certificates", says("command_moves_certificates_or_cash"))
def of_none(w: Stage) -> None:
    w.command("reserve", frm=w.main.pk, to=w.main.pk, quantity=0)


@attack("I3", "an export into no registry", says("command_export_names_registry"))
def export_nowhere(w: Stage) -> None:
    world = sql("SELECT id FROM recs_account WHERE kind = 'world' AND registry_id = 'mrets' AND NOT sandbox")
    w.piece(w.command("export", frm=w.main.pk, to=world, quantity=9, bucket=8), 500, 508, account=world, bucket=8)


# --- I8: resolved once, reversed once ------------------------------------------------------------------------------


def answer(w: Stage, kind: str, *, to: int, **more: Any) -> int:
    """Somebody resolves the offer of 321 to 330, as the row says."""
    offered = w.done["offered"]
    told = {"root_id": offered, "resolves_id": offered, "counterparty_id": w.west.organisation.pk} | more
    return w.command(kind, **{"frm": w.main.pk, "to": to, "quantity": 10} | told)


RESOLVES = trigger("command_resolves_its_root", "recs_command.command_proved")


@attack("I8", "an offer is resolved twice", index("command_resolved_once"), SAYS_SO, breaks="resolved once")
def resolved_twice(w: Stage) -> None:
    w.piece(answer(w, "accept", to=w.west.main.pk), 321, 325, account=w.west.main.pk, bucket=ACTIVE)
    w.piece(answer(w, "reject", to=w.main.pk), 326, 330, account=w.main.pk, bucket=ACTIVE)


@attack("I8", "an approval twice", index("command_resolved_once"), breaks="resolved once")
def approved_twice(w: Stage) -> None:
    told = {"frm": w.main.pk, "to": w.west.main.pk, "quantity": 9}
    asked = w.command("transfer", awaiting=["approval", "acceptance"], **told)
    w.piece(asked, 500, 508, account=w.main.pk, bucket=HELD)
    for _ in range(2):
        w.command("approve", awaiting=["acceptance"], root_id=asked, resolves_id=asked, made_by_id=w.east.officer.pk, **told)


@attack("I8", "what is held moves with another command", SAYS_SO)
def held_moves(w: Stage) -> None:
    w.piece(w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=10), 321, 330, account=w.other.pk, bucket=ACTIVE)


@attack("I8", "an offer is accepted into another account", RESOLVES)
def accepted_elsewhere(w: Stage) -> None:
    w.piece(answer(w, "accept", to=w.other.pk), 321, 330, account=w.other.pk, bucket=ACTIVE)


@attack("I8", "an offer is rejected into another account", RESOLVES)
def rejected_elsewhere(w: Stage) -> None:
    w.piece(answer(w, "reject", to=w.other.pk), 321, 330, account=w.other.pk, bucket=ACTIVE)


@attack("I8", "half an offer is accepted", RESOLVES)
def half_accepted(w: Stage) -> None:
    w.piece(answer(w, "accept", to=w.west.main.pk, quantity=5), 321, 325, account=w.west.main.pk, bucket=ACTIVE)


@attack("I8", "an offer is accepted as a retirement", says("command_bucket_suits_kind"), RESOLVES, PURPOSE_PROVED)
def accepted_as_retired(w: Stage) -> None:
    w.piece(answer(w, "accept", to=w.west.main.pk, bucket=RETIRED), 321, 330, account=w.west.main.pk, bucket=RETIRED)


@attack("I8", "what another command holds is accepted", RESOLVES)
def of_another(w: Stage) -> None:
    asked = w.command("transfer", frm=w.main.pk, to=w.west.main.pk, quantity=10, awaiting=["acceptance"])
    w.piece(asked, 500, 509, account=w.main.pk, bucket=HELD)
    command = answer(w, "accept", to=w.west.main.pk, root_id=asked, resolves_id=asked)
    w.piece(command, 321, 330, account=w.west.main.pk, bucket=ACTIVE)


@attack("I8", "what awaits nothing is resolved", RESOLVES)
def over(w: Stage) -> None:
    command = answer(w, "accept", to=w.other.pk, root_id=w.done["short"], resolves_id=w.done["short"])
    w.piece(command, 321, 330, account=w.other.pk, bucket=ACTIVE)


def of_wrong_stage(kind: str, what: str, *stages: str, **told: Any) -> None:
    """A step that is as it should be but for the stage that it ends, or for who made it."""

    def act(w: Stage) -> None:
        moves = {"frm": w.main.pk, "to": w.west.main.pk, "quantity": 9, "counterparty_id": w.west.organisation.pk}
        asked = w.command("transfer", awaiting=[*stages], **moves)
        w.piece(asked, 500, 508, account=w.main.pk, bucket=HELD)
        back = {"to": w.main.pk} if kind in ("reject", "cancel", "expire", "refuse") else {"awaiting": [*stages[1:]]}
        step = w.command(kind, root_id=asked, resolves_id=asked, **moves | back | told)
        if "to" in back or not stages[1:]:
            w.piece(step, 500, 508, account=w.main.pk if "to" in back else w.west.main.pk, bucket=ACTIVE)

    attack("I8", what, RESOLVES)(act)


of_wrong_stage("accept", "an acceptance instead of the approval", "approval", "acceptance")
of_wrong_stage("release", "an approval by release", "approval", "acceptance")
of_wrong_stage("accept", "an acceptance instead of the registry's word", "registry")
of_wrong_stage("approve", "an approval by whoever asked", "approval", "acceptance")
of_wrong_stage("refuse", "an offer refused as if by a registry", "acceptance")
of_wrong_stage("reject", "a rejection of what the registry was told", "registry")
of_wrong_stage("expire", "an offer of no end expires", "acceptance", made_by_id=None)


@attack("I8", "an offer expires before its time", RESOLVES)
def expired_early(w: Stage) -> None:
    w.piece(answer(w, "expire", to=w.main.pk, made_by_id=None), 321, 330, account=w.main.pk, bucket=ACTIVE)


@attack("I8", "an offer to one is accepted by another", RESOLVES)
def accepted_by_another(w: Stage) -> None:
    command = answer(w, "accept", to=w.west.main.pk, counterparty_id=w.toy.organisation.pk)
    w.piece(command, 321, 330, account=w.west.main.pk, bucket=ACTIVE)


@attack("I8", "a resolver that resolves nothing", says("command_resolver_resolves"), SAYS_SO)
def resolves_nothing(w: Stage) -> None:
    w.piece(w.command("accept", frm=w.main.pk, to=w.west.main.pk, quantity=10), 321, 330, account=w.west.main.pk, bucket=ACTIVE)


@attack("I8", "confirmed without a number", says("command_confirmed_with_number"))
def no_number(w: Stage) -> None:
    told = {"frm": w.main.pk, "to": w.other.pk, "quantity": 9}
    asked = w.command("transfer", awaiting=["registry"], **told)
    w.piece(asked, 500, 508, account=w.main.pk, bucket=HELD)
    w.piece(w.command("confirm", root_id=asked, resolves_id=asked, self_approved=True, **told), 500, 508, account=w.other.pk, bucket=ACTIVE)


REVERSES = trigger("command_reverses_another", "recs_command.command_proved")


def back(w: Stage, name: str, first: int, last: int, *, quantity: int = 10, to: int | None = None) -> None:
    target = to or w.main.pk
    command = w.command("reverse", frm=w.other.pk, to=target, quantity=quantity, reverses_id=w.done[name], key=uuid.uuid4())
    w.piece(command, first, last, account=target, bucket=ACTIVE)


@attack("I8", "a transfer is reversed twice", index("command_reversed_once"), breaks="reversed once")
def reversed_twice(w: Stage) -> None:
    back(w, "reversed", 331, 340)


@attack("I8", "a transfer is reversed in part", REVERSES)
def reversed_in_part(w: Stage) -> None:
    back(w, "short", 341, 345, quantity=5)


@attack("I8", "a transfer is reversed by other serials", REVERSES)
def reversed_by_others(w: Stage) -> None:
    back(w, "short", 1, 10)


@attack("I8", "a transfer is reversed to somebody else", REVERSES)
def reversed_elsewhere(w: Stage) -> None:
    back(w, "short", 341, 350, to=w.west.main.pk)
