"""Writers who read, think and write, and forget every lock: what they get wrong is refused, and never committed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import Error as DatabaseError
from django.db import connection, transaction

from recs.models import Account, Batch
from tests.recs.attacks.stage import ACTIVE, RETIRED, Stage, sql
from tests.recs.contest import Arena, apart, together
from tests.recs.whole import violations

pytestmark = pytest.mark.django_db

WRITERS, SECONDS, THOUGHT = 6, 3.0, 0.001
DEADLOCK = "40P01"  # two exclusion constraints that wait for each other: commands take a lock, and never come there
EXPECTED = {
    *("holding_follows_entry", "holding_only_shrinks", "retired_never_moves", "owned_once", "entry_conserved"),
    *("issued_once", "entry_within_batch", DEADLOCK),
}


class Careless:
    """One of them: what it saw a moment ago is what it writes."""

    def __init__(self, ring: Arena, accounts: list[Account], batches: list[Batch], seed: int) -> None:
        self.desk = Stage(ring.east, ring.west, ring.east, batches[0], {})
        self.accounts, self.batches = accounts, batches
        self.dice = random.Random(seed)
        self.told: Counter[str] = Counter()

    def work(self, until: float) -> Counter[str]:
        while time.monotonic() < until:
            try:
                with transaction.atomic():
                    done = self.dice.choice([self.move, self.move, self.move, self.split, self.split, self.issue])()
                self.told["committed"] += bool(done)
            except DatabaseError as problem:
                diag = problem.__cause__.diag
                self.told[diag.constraint_name or diag.sqlstate] += 1
        return self.told

    def seen(self, bucket: int) -> tuple[int, int, int, int, int, int] | None:
        """Any holding, read without a lock, and thought about."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, batch_id, lower(serials), upper(serials) - 1, account_id, entry_id FROM recs_holding"
                " WHERE bucket = %s AND batch_id = ANY (%s) ORDER BY random() LIMIT 1",
                [bucket, [one.pk for one in self.batches]],
            )
            found = cursor.fetchone()
        time.sleep(THOUGHT)
        return found

    def told_to(self, frm: int, to: int, bucket: int, quantity: int) -> int:
        if bucket == RETIRED:
            command = self.desk.command("retire", frm=frm, to=to, quantity=quantity, bucket=RETIRED)
            sql("INSERT INTO recs_retirement VALUES (%s, '', '', NULL, '', 'Somebody', 'Because', '')", command)
            return command
        return self.desk.command("transfer", frm=frm, to=to, quantity=quantity)

    def move(self) -> bool:
        """All of a holding, to another account or for good."""
        if not (seen := self.seen(ACTIVE)):
            return False
        pk, batch, first, last, account, entry = seen
        bucket = self.dice.choice([ACTIVE] * 19 + [RETIRED])
        target = account if bucket == RETIRED else self.dice.choice([one.pk for one in self.accounts if one.pk != account])
        command = self.told_to(account, target, bucket, last - first + 1)
        moved = self.desk.entry(command, first, last, prev=entry, frm=(account, ACTIVE), to=(target, bucket), of=batch)
        sql("UPDATE recs_holding SET account_id = %s, bucket = %s, entry_id = %s WHERE id = %s", target, bucket, moved, pk)
        return True

    def split(self) -> bool:
        """The first half of a holding."""
        if not (seen := self.seen(ACTIVE)) or seen[2] == seen[3]:
            return False
        pk, batch, first, last, account, entry = seen
        middle = (first + last) // 2
        target = self.dice.choice([one.pk for one in self.accounts if one.pk != account])
        command = self.told_to(account, target, ACTIVE, middle - first + 1)
        moved = self.desk.entry(command, first, middle, prev=entry, frm=(account, ACTIVE), to=(target, ACTIVE), of=batch)
        sql("UPDATE recs_holding SET serials = int8range(%s, %s) WHERE id = %s", middle + 1, last + 1, pk)
        self.desk.holding(first, middle, account=target, bucket=ACTIVE, entry=moved, of=batch)
        return True

    def issue(self) -> bool:
        """What nobody seems to have issued yet."""
        batch = self.dice.choice(self.batches)
        issued = sql("SELECT coalesce(max(upper(serials)), 1) FROM recs_entry WHERE prev_id IS NULL AND batch_id = %s", batch.pk)
        time.sleep(THOUGHT)
        target = self.dice.choice(self.accounts).pk
        command = self.desk.command("issue", frm=None, to=target, quantity=5)
        made = self.desk.entry(command, issued, issued + 4, prev=None, frm=(None, None), to=(target, ACTIVE), of=batch.pk)
        self.desk.holding(issued, issued + 4, account=target, bucket=ACTIVE, entry=made, of=batch.pk)
        return True


def at_work(ring: Arena, seconds: float) -> Counter[str]:
    def prepared() -> tuple[list[Account], list[Batch]]:
        accounts = [ring.account(ring.east) for _ in range(4)]
        return accounts, [ring.issued(ring.east, accounts[0], last=40), ring.batch(ring.east, last=100_000)]

    accounts, batches = apart(prepared)

    def working(seed: int) -> Callable[[], Counter[str]]:
        return lambda: Careless(ring, accounts, batches, seed).work(time.monotonic() + seconds)

    return sum(together(*[working(seed) for seed in range(WRITERS)]), Counter())


def test_nothing_wrong_is_committed(ring: Arena) -> None:
    told = at_work(ring, SECONDS)
    assert violations() == set()
    assert set(told) <= {"committed"} | EXPECTED
    assert told["committed"] > 50
    assert told["holding_follows_entry"] > 0  # they did meet


@contextmanager
def unguarded() -> Iterator[None]:
    """Without the triggers that tie holdings to entries; the exclusion constraint stays."""
    guards = {"recs_holding": ("holding_guard", "holding_proved"), "recs_entry": ("entry_proved",), "recs_command": ("command_proved",)}

    def turn(how: str) -> None:
        for table, triggers in guards.items():
            for one in triggers:
                sql(f"ALTER TABLE {table} {how} TRIGGER {one}")

    apart(lambda: turn("DISABLE"))
    try:
        yield
    finally:
        apart(lambda: turn("ENABLE ALWAYS"))


def test_the_exclusion_constraint_alone_is_not_enough(ring: Arena) -> None:
    """The mutation: the same writers lose each other's updates, and no overlap tells."""
    with unguarded():
        at_work(ring, 1.0)
    broken = violations()
    assert broken
    assert "owned once" not in broken
