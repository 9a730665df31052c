"""Attacks on what is retired or exported: it never moves again, and was retired for one purpose."""

from __future__ import annotations

from tests.recs.attacks.stage import ACTIVE, EXPORTED, RETIRED, Stage, sql
from tests.recs.attacks.table import PURPOSE_PROVED, SAYS_SO, attack, chain, constraint, follows, says, trigger


@attack("I4", "a retired holding changes its owner", follows("retired_never_moves"), breaks="follows its entry")
def retired_moves(w: Stage) -> None:
    w.alter_holding(301, "account_id = %s", w.other.pk)


@attack(
    *("I4", "an entry takes what is retired", chain("retired_never_leaves"), follows("retired_never_moves"), SAYS_SO),
    breaks="retired stays",
)
def unretired(w: Stage) -> None:
    w.piece(w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=10), 301, 310, account=w.other.pk, bucket=ACTIVE)


@attack("I4", "an exported holding changes its owner", follows("retired_never_moves"), breaks="follows its entry")
def exported_moves(w: Stage) -> None:
    w.alter_holding(311, "account_id = %s", w.other.pk)


@attack(
    *("I4", "an entry brings back what was exported", chain("retired_never_leaves"), follows("retired_never_moves")),
    *(SAYS_SO,),
    breaks="retired stays",
)
def unexported(w: Stage) -> None:
    world = sql("SELECT account_id FROM recs_holding WHERE batch_id = %s AND bucket = 8", w.b.pk)
    w.piece(w.command("receive", frm=world, to=w.main.pk, quantity=10), 311, 320, account=w.main.pk, bucket=ACTIVE)


@attack("I4", "exported, and in an account still", chain("entry_suits_account"))
def exported_here(w: Stage) -> None:
    command = w.command("export", frm=w.main.pk, to=w.other.pk, quantity=640, bucket=EXPORTED, to_registry_id="nar")
    entry = w.entry(command, 361, 1000, prev=w.entry_of(500), frm=(w.main.pk, ACTIVE), to=(w.other.pk, EXPORTED))
    w.alter_holding(500, "account_id = %s, bucket = 8, entry_id = %s", w.other.pk, entry)


@attack("I4", "retired without a purpose", PURPOSE_PROVED, breaks="retired for one purpose")
def no_purpose(w: Stage) -> None:
    w.piece(w.command("retire", frm=w.main.pk, to=w.main.pk, quantity=9, bucket=RETIRED), 500, 508, account=w.main.pk, bucket=RETIRED)


@attack("I4", "a purpose for what was not retired", trigger("retired_for_a_purpose", "recs_retirement.hashed"))
def purpose_of_a_transfer(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=9)
    w.piece(command, 500, 508, account=w.other.pk, bucket=ACTIVE)
    purpose(command)


@attack("I4", "two purposes", constraint("recs_retirement", "recs_retirement_pkey"))
def two_purposes(w: Stage) -> None:
    command = w.command("retire", frm=w.main.pk, to=w.main.pk, quantity=9, bucket=RETIRED)
    w.piece(command, 500, 508, account=w.main.pk, bucket=RETIRED)
    purpose(command)
    purpose(command)


@attack(
    "I4",
    "a purpose that comes later",
    trigger("command_is_over", "recs_retirement.hashed"),
    constraint("recs_retirement", "recs_retirement_pkey"),
)
def late_purpose(w: Stage) -> None:
    purpose(w.done["retired"])


@attack("I4", "a retirement that leaves its certificates active", says("command_bucket_suits_kind"))
def half_retired(w: Stage) -> None:
    command = w.command("retire", frm=w.main.pk, to=w.other.pk, quantity=9)
    w.piece(command, 500, 508, account=w.other.pk, bucket=ACTIVE)
    purpose(command)


@attack("I4", "retired for nobody", constraint("recs_retirement", "retirement_for_somebody"))
def for_nobody(w: Stage) -> None:
    retire_for(w, beneficiary="")


@attack("I4", "retired without a reason", constraint("recs_retirement", "retirement_has_reason"))
def for_no_reason(w: Stage) -> None:
    retire_for(w, reason="")


@attack("I4", "retired for a programme without a year", constraint("recs_retirement", "retirement_programme_has_year"))
def for_no_year(w: Stage) -> None:
    retire_for(w, programme="NJ Class I", compliance_year=None)


def retire_for(w: Stage, **purpose_told: object) -> None:
    command = w.command("retire", frm=w.main.pk, to=w.main.pk, quantity=9, bucket=RETIRED)
    w.piece(command, 500, 508, account=w.main.pk, bucket=RETIRED)
    purpose(command, **purpose_told)


def purpose(command: int, **told: object) -> None:
    row = {
        "command_id": command,
        "programme": "",
        "state": "",
        "tier": "",
        "beneficiary": "Somebody",
        "reason": "Because",
        "hash": b"",
    } | told
    sql(f"INSERT INTO recs_retirement ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", *row.values())
