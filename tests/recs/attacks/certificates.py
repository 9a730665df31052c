"""Attacks on certificates: that one exists twice, vanishes, comes from nowhere, or moves when it must not."""

from __future__ import annotations

from tests.recs.attacks.stage import ACTIVE, HELD, Stage
from tests.recs.attacks.table import (
    CONSERVED,
    ISSUED_ONCE,
    MOVED_IN_FULL,
    OWNED_ONCE,
    SAYS_SO,
    STILL_THERE,
    attack,
    chain,
    follows,
    says,
)

# --- I1: exactly one owner ----------------------------------------------------------------------------------


@attack("I1", "a second owner, by an entry that branches off inside of what moved on", OWNED_ONCE, breaks="owned once; conserved")
def second_owner(w: Stage) -> None:
    """Nothing but the exclusion constraint sees it: the touched range alone adds up."""
    command = w.command("transfer", frm=w.main.pk, to=w.west.main.pk, quantity=20)
    entry = w.entry(command, 41, 60, prev=w.issue_entry(), frm=(w.main.pk, ACTIVE), to=(w.west.main.pk, ACTIVE))
    w.holding(41, 60, account=w.west.main.pk, bucket=ACTIVE, entry=entry)


@attack("I1", "a double child: what moved on moves again from where it was", OWNED_ONCE, MOVED_IN_FULL, breaks="owned once; conserved")
def double_child(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.west.main.pk, quantity=300)
    entry = w.entry(command, 1, 300, prev=w.issue_entry(), frm=(w.main.pk, ACTIVE), to=(w.west.main.pk, ACTIVE))
    w.holding(1, 300, account=w.west.main.pk, bucket=ACTIVE, entry=entry)


@attack("I1", "a holding shrinks: certificates vanish", STILL_THERE, breaks="none lost, none made; conserved")
def shrunk(w: Stage) -> None:
    w.alter_holding(500, "serials = int8range(500, 1001)")


@attack("I1", "a holding grows over what was never issued", follows("holding_only_shrinks"), STILL_THERE, breaks="none lost, none made")
def grown(w: Stage) -> None:
    w.alter_holding(500, "serials = int8range(361, 1501)")


@attack("I1", "a holding grows over its neighbour", follows("holding_only_shrinks"), OWNED_ONCE, STILL_THERE, breaks="owned once")
def grown_over(w: Stage) -> None:
    w.alter_holding(500, "serials = int8range(351, 1001)")


@attack("I1", "a holding moves into another batch", follows("holding_only_shrinks"), STILL_THERE, breaks="follows its entry")
def rebatched(w: Stage) -> None:
    """The proof looks for the range under its entry, and there it is: only the guard knows that the batch is another."""
    w.alter_holding(500, "batch_id = (SELECT id FROM recs_batch WHERE serial_base = 'TOY'), serials = int8range(361, 1000)")


@attack("I1", "a holding without bounds", follows("holding_serials_bounded"), STILL_THERE)
def unbounded(w: Stage) -> None:
    w.alter_holding(500, "serials = int8range(361, NULL)")


@attack("I1", "an empty holding", follows("holding_serials_bounded"), STILL_THERE, breaks="conserved")
def emptied(w: Stage) -> None:
    w.alter_holding(500, "serials = 'empty'")


# --- I2: none made, none lost, but by an issue ----------------------------------------------------------------


@attack("I2", "a holding from nothing", follows("holding_follows_entry"), breaks="none lost, none made; follows its entry")
def from_nothing(w: Stage) -> None:
    w.holding(1500, 1600, account=w.main.pk, bucket=ACTIVE, entry=999_999_999)


@attack("I2", "a holding under the entry that they had before", OWNED_ONCE, breaks="owned once; conserved")
def under_the_entry_before(w: Stage) -> None:
    w.holding(342, 345, account=w.main.pk, bucket=ACTIVE, entry=w.issue_entry())


@attack("I2", "serials issued a second time", ISSUED_ONCE, OWNED_ONCE, breaks="issued once; owned once")
def second_issue(w: Stage) -> None:
    command = w.command("issue", frm=None, to=w.main.pk, quantity=100)
    entry = w.entry(command, 901, 1000, prev=None, frm=(None, None), to=(w.main.pk, ACTIVE))
    w.holding(901, 1000, account=w.main.pk, bucket=ACTIVE, entry=entry)


@attack("I2", "an issue beyond the batch", chain("entry_within_batch"), breaks="inside its batch")
def beyond_batch(w: Stage) -> None:
    command = w.command("issue", frm=None, to=w.main.pk, quantity=100)
    entry = w.entry(command, 2001, 2100, prev=None, frm=(None, None), to=(w.main.pk, ACTIVE))
    w.holding(2001, 2100, account=w.main.pk, bucket=ACTIVE, entry=entry)


@attack("I2", "an issue of a batch that nobody wrote down", chain("entry_names_what_is_there"), breaks="inside its batch")
def no_batch(w: Stage) -> None:
    command = w.command("issue", frm=None, to=w.main.pk, quantity=100)
    entry = w.entry(command, 1, 100, prev=None, frm=(None, None), to=(w.main.pk, ACTIVE), of=999_999_999)
    w.holding(1, 100, account=w.main.pk, bucket=ACTIVE, entry=entry, of=999_999_999)


@attack("I2", "an issue that nobody holds", MOVED_IN_FULL, breaks="none lost, none made; conserved; received less sent is held")
def issue_into_nothing(w: Stage) -> None:
    w.entry(w.command("issue", frm=None, to=w.main.pk, quantity=9), 1001, 1009, prev=None, frm=(None, None), to=(w.main.pk, ACTIVE))


@attack("I2", "an issue by a transfer", SAYS_SO)
def issue_by_transfer(w: Stage) -> None:
    entry = w.entry(
        w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=9), 1001, 1009, prev=None, frm=(None, None), to=(w.other.pk, ACTIVE)
    )
    w.holding(1001, 1009, account=w.other.pk, bucket=ACTIVE, entry=entry)


@attack("I2", "an empty entry", chain("entry_serials_bounded"), SAYS_SO)
def empty_entry(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=9)
    w.entry(command, 500, 499, prev=w.entry_of(500), frm=(w.main.pk, ACTIVE), to=(w.other.pk, ACTIVE))


# --- I3: an owner changes by an entry that continues the one before ---------------------------------------------


@attack("I3", "another owner without an entry", follows("holding_follows_entry"), breaks="follows its entry; received less sent is held")
def no_entry(w: Stage) -> None:
    w.alter_holding(500, "account_id = %s", w.west.main.pk)


@attack("I3", "free again without an entry", follows("holding_follows_entry"), breaks="follows its entry; received less sent is held")
def unheld(w: Stage) -> None:
    w.alter_holding(325, "bucket = 1")


@attack("I3", "an owner by an entry of other serials", follows("holding_follows_entry"), STILL_THERE, breaks="follows its entry")
def foreign_entry(w: Stage) -> None:
    w.alter_holding(500, "account_id = %s, entry_id = %s", w.other.pk, w.entry_of(1))


@attack(
    "I3", "a stale predecessor: an entry continues one that was continued", follows("holding_follows_entry"), CONSERVED, breaks="conserved"
)
def stale(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.west.main.pk, quantity=300)
    entry = w.entry(command, 1, 300, prev=w.issue_entry(), frm=(w.main.pk, ACTIVE), to=(w.west.main.pk, ACTIVE))
    w.alter_holding(1, "account_id = %s, entry_id = %s", w.west.main.pk, entry)


@attack("I3", "an entry moves and the holding stays", MOVED_IN_FULL, breaks="conserved; received less sent is held")
def holding_stays(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.west.main.pk, quantity=10)
    w.entry(command, 500, 509, prev=w.entry_of(500), frm=(w.main.pk, ACTIVE), to=(w.west.main.pk, ACTIVE))


@attack("I3", "an entry from an account that never had them", chain(), breaks="continues")
def never_had(w: Stage) -> None:
    command = w.command("transfer", frm=w.other.pk, to=w.west.main.pk, quantity=640)
    entry = w.entry(command, 361, 1000, prev=w.entry_of(500), frm=(w.other.pk, ACTIVE), to=(w.west.main.pk, ACTIVE))
    w.alter_holding(500, "account_id = %s, entry_id = %s", w.west.main.pk, entry)


@attack("I3", "an entry larger than the one that it continues", chain(), CONSERVED, breaks="continues; conserved")
def larger(w: Stage) -> None:
    command = w.command("transfer", frm=w.other.pk, to=w.west.main.pk, quantity=310)
    w.entry(command, 1, 310, prev=w.entry_of(1), frm=(w.other.pk, ACTIVE), to=(w.west.main.pk, ACTIVE))


@attack("I3", "an entry that continues nothing, from somewhere", chain("entry_continues_or_issues"))
def half_issue(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=9)
    entry = w.entry(command, 1001, 1009, prev=None, frm=(w.main.pk, ACTIVE), to=(w.other.pk, ACTIVE))
    w.holding(1001, 1009, account=w.other.pk, bucket=ACTIVE, entry=entry)


@attack("I3", "an entry that goes nowhere", chain("entry_goes_somewhere"))
def nowhere(w: Stage) -> None:
    w.piece(w.command("reserve", frm=w.main.pk, to=w.main.pk, quantity=9), 500, 508, account=w.main.pk, bucket=ACTIVE)


@attack("I3", "a transfer to itself", says("command_not_to_itself"))
def to_itself(w: Stage) -> None:
    command = w.command("transfer", frm=w.main.pk, to=w.main.pk, quantity=9, awaiting=["registry"])
    w.piece(command, 500, 508, account=w.main.pk, bucket=HELD)


@attack(
    *("I3", "a bucket that does not exist", says("command_bucket_suits_kind")),
    *(chain("entry_to_known"), follows("holding_bucket_known")),
)
def third_bucket(w: Stage) -> None:
    w.piece(w.command("transfer", frm=w.main.pk, to=w.other.pk, quantity=9, bucket=3), 500, 508, account=w.other.pk, bucket=3)


@attack("I3", "into a closed account", chain("entry_into_open_account"), breaks="closed is empty")
def into_closed(w: Stage) -> None:
    shut = w.east.accounts["shut"].pk
    move_with_own_hash(w, to=shut, bucket=ACTIVE)


@attack("I3", "from the real world into the sandbox", chain("entry_within_sandbox"), breaks="worlds apart")
def into_sandbox(w: Stage) -> None:
    move_with_own_hash(w, to=w.toy.main.pk, bucket=ACTIVE)


@attack("I3", "into an account of another registry", chain("entry_within_registry"))
def into_other_registry(w: Stage) -> None:
    move_with_own_hash(w, to=w.east.accounts["gats only"].pk, bucket=ACTIVE)


@attack("I3", "into a retirement account, and not retired", chain("entry_suits_account"))
def into_graveyard(w: Stage) -> None:
    move_with_own_hash(w, to=w.east.accounts["graveyard"].pk, bucket=ACTIVE)


def move_with_own_hash(w: Stage, *, to: int, bucket: int) -> None:
    """All of 361 to 1000, as it should be done, with and without the trigger that makes the hash."""
    command = w.command("transfer", frm=w.main.pk, to=to, quantity=640)
    entry = w.entry(command, 361, 1000, prev=w.entry_of(500), frm=(w.main.pk, ACTIVE), to=(to, bucket))
    w.alter_holding(500, "account_id = %s, bucket = %s, entry_id = %s", to, bucket, entry)
