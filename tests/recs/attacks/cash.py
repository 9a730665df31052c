"""Attacks on what counterparties owe each other."""

from __future__ import annotations

from tests.recs.attacks.stage import ACTIVE, Stage, sql
from tests.recs.attacks.table import attack, constraint, trigger
from tests.recs.world import Firm

SUMS = trigger("cash_sums_to_zero", "recs_command.command_proved")
PRICED = trigger("cash_follows_price", "recs_command.command_proved")
FOLLOWS = trigger("cash_balance_follows_entries", "recs_cashaccount.balance_guard")
BALANCE_PROVED = trigger("cash_balance_follows_entries", "recs_cashaccount.balance_proved")


def line(w: Stage, kind: str = "party") -> int:
    """A line in the books of `east`."""
    return int(sql("SELECT id FROM recs_cashaccount WHERE organisation_id = %s AND kind = %s", w.east.organisation.pk, kind))


def booked(command: int, account: int, cents: int) -> None:
    sql("INSERT INTO recs_cashentry (command_id, account_id, amount_cents, hash) VALUES (%s, %s, %s, '')", command, account, cents)


def payment(w: Stage, cents: int = 500) -> int:
    return w.command("pay", frm=None, to=None, quantity=0, bucket=None, price_cents=cents, counterparty_id=w.west.organisation.pk)


def legs(w: Stage, command: int, owner: Firm, other: Firm, cents: int) -> None:
    """In the books of one side."""
    sql("SELECT recs_legs(%s, %s, %s, NULL, 'bank', %s)", command, owner.organisation.pk, other.organisation.pk, cents)


@attack("I9", "one half of an entry", SUMS, breaks="cash sums to zero")
def one_half(w: Stage) -> None:
    booked(payment(w), line(w), 500)


@attack("I9", "certificates go and their price is not booked", PRICED)
def unpaid(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=9, price_cents=900)
    w.piece(command, 500, 508, account=w.other.pk, bucket=ACTIVE)


@attack("I9", "money is booked with what has no price", PRICED)
def unpriced(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=9)
    w.piece(command, 500, 508, account=w.other.pk, bucket=ACTIVE)
    booked(command, line(w), 500)
    booked(command, line(w, "trading"), -500)


@attack("I9", "more is booked than the price", PRICED)
def overpaid(w: Stage) -> None:
    command = payment(w, 400)
    booked(command, line(w), 500)
    booked(command, line(w, "trading"), -500)


@attack("I9", "a price in the books of one side alone", PRICED)
def one_side(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.west.main.pk, quantity=9, price_cents=900)
    w.piece(command, 500, 508, account=w.west.main.pk, bucket=ACTIVE)
    legs(w, command, w.east, w.west, 900)


@attack("I9", "a payment in the books of one side alone", PRICED)
def one_side_pays(w: Stage) -> None:
    legs(w, payment(w), w.east, w.west, -500)


@attack("I9", "a price to an account outside, in the books of both", PRICED)
def both_sides(w: Stage) -> None:
    outside = w.east.accounts["outside"].pk
    command = w.command("transfer", frm=w.main.pk, to=outside, quantity=9, price_cents=900)
    w.piece(command, 500, 508, account=outside, bucket=ACTIVE)
    legs(w, command, w.east, w.west, 900)
    legs(w, command, w.west, w.east, -900)


@attack("I9", "a balance moves without an entry", FOLLOWS, BALANCE_PROVED, breaks="balance is its entries")
def balance_alone(w: Stage) -> None:
    sql("UPDATE recs_cashaccount SET balance_cents = balance_cents + 1 WHERE id = %s", line(w))


@attack("I9", "a balance moves by a trigger of somebody's own table", FOLLOWS, BALANCE_PROVED, breaks="balance is its entries")
def balance_by_trigger(w: Stage) -> None:
    sql("CREATE TEMP TABLE mine (account bigint) ON COMMIT DROP")
    sql(
        "CREATE FUNCTION pg_temp.moved() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN UPDATE recs_cashaccount SET balance_cents = balance_cents + 1 WHERE id = NEW.account; RETURN NEW; END'"
    )
    sql("CREATE TRIGGER moved BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION pg_temp.moved()")
    sql("INSERT INTO mine VALUES (%s)", line(w))


@attack("I9", "a balance moves by an entry that never comes", BALANCE_PROVED, breaks="balance is its entries")
def balance_ahead(w: Stage) -> None:
    sql("UPDATE recs_cashaccount SET balance_cents = balance_cents + 1, last_entry = last_entry + 1000 WHERE id = %s", line(w))


@attack("I9", "a balance moves again by an entry of before", FOLLOWS, breaks="balance is its entries")
def balance_by_old_entry(w: Stage) -> None:
    command = payment(w, 1000)  # the line stands at 1000 by one entry
    legs(w, command, w.east, w.west, -1000)
    legs(w, command, w.west, w.east, 1000)
    sql(
        "UPDATE recs_cashaccount SET balance_cents = balance_cents + 1000, last_entry = (SELECT min(id) FROM recs_cashentry"
        " WHERE account_id = %s) WHERE id = %s",
        *(line(w), line(w)),
    )


@attack("I9", "a balance moves twice by one entry", FOLLOWS, breaks="balance is its entries")
def balance_twice(w: Stage) -> None:
    command = payment(w)
    legs(w, command, w.east, w.west, -500)
    legs(w, command, w.west, w.east, 500)
    sql("UPDATE recs_cashaccount SET balance_cents = balance_cents - 500 WHERE id = %s", line(w))


@attack("I9", "a line that is opened with money in it", FOLLOWS, breaks="balance is its entries")
def opened_full(w: Stage) -> None:
    new_line(w, "party", w.toy.organisation.pk, cents=9)


@attack("I9", "a line becomes somebody else's", FOLLOWS)
def line_moves(w: Stage) -> None:
    sql("UPDATE recs_cashaccount SET organisation_id = %s WHERE id = %s", w.toy.organisation.pk, line(w))


@attack("I9", "more is owed than the creditor allows", constraint("recs_cashaccount", "cash_within_credit_limit"), breaks="within credit")
def beyond_credit(w: Stage) -> None:
    command = payment(w, 100_000)
    legs(w, command, w.east, w.west, -100_000)
    legs(w, command, w.west, w.east, 100_000)


@attack("I9", "a credit below zero", constraint("recs_cashaccount", "cash_limit_not_negative"))
def negative_credit(w: Stage) -> None:
    sql("UPDATE recs_cashaccount SET credit_limit_cents = -1 WHERE id = %s", line(w))


@attack("I9", "an entry of nothing", constraint("recs_cashentry", "cash_entry_not_zero"))
def of_nothing(w: Stage) -> None:
    booked(w.command("credit", frm=None, to=None, quantity=0, bucket=None), line(w), 0)


@attack("I9", "money is added to a command of before", trigger("command_is_over", "recs_cashentry.hashed"))
def added_later(w: Stage) -> None:
    booked(w.done["sold"], line(w), 500)
    booked(w.done["sold"], line(w, "trading"), -500)


@attack("I9", "money is added after the proof", trigger("command_is_over", "recs_cashentry.hashed"), breaks="cash sums to zero")
def added_after_proof(w: Stage) -> None:
    command = w.command("credit", frm=None, to=None, quantity=0, bucket=None)
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    booked(command, line(w), 500)


@attack("I9", "a line twice", constraint("recs_cashaccount", "cash_account_once"))
def line_twice(w: Stage) -> None:
    new_line(w, "party", w.west.organisation.pk)


@attack("I9", "a line with oneself", constraint("recs_cashaccount", "cash_not_with_itself"))
def with_itself(w: Stage) -> None:
    new_line(w, "party", w.east.organisation.pk)


@attack("I9", "a line with nobody", constraint("recs_cashaccount", "cash_party_is_one"))
def with_nobody(w: Stage) -> None:
    new_line(w, "party", None)


@attack("I9", "a line is erased", trigger("append_only", "recs_cashaccount.never_deleted"))
def line_erased(w: Stage) -> None:
    new_line(w, "bank", None)
    sql("DELETE FROM recs_cashaccount WHERE kind = 'bank'")


def new_line(w: Stage, kind: str, counterparty: int | None, *, cents: int = 0) -> None:
    sql(
        "INSERT INTO recs_cashaccount (organisation_id, kind, counterparty_id, balance_cents, credit_limit_cents)"
        " VALUES (%s, %s, %s, %s, 0)",
        *(w.east.organisation.pk, kind, counterparty, cents),
    )
