"""Where attacks happen: a ledger in which some things have happened, and raw SQL with the rights of the tables' owner."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from recs import ledger
from recs.models import Account, Batch, Eligibility, GenerationRead, Registration
from recs.types import Purpose, SerialRange
from tests.recs.world import Firm, batch, firm, generator, key, proved

ACTIVE, HELD, EXPORTED, RETIRED = 1, 2, 8, 9
PURPOSE = Purpose(beneficiary="Prairie Wind LLC", reason="Green tariff of March")


def sql(statement: str, *values: Any) -> Any:
    """One statement; the first column of its first row, if it has one."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchone() if cursor.description else None
        return found[0] if found else None


@dataclass
class Stage:
    """Of batch `b`, serials 1 to 1000 of 2000 were issued to `main` by the command `made`; what became of them:

    1-300 transferred to `other`, 301-310 retired, 311-320 exported, 321-330 offered to `west`, 331-340 transferred to `other`,
    back and there again, 341-350 transferred to `other`, 351-360 sold to `west` for 10 dollars; 361-1000 are still in `main`.
    """

    east: Firm
    west: Firm
    toy: Firm  # of the sandbox
    b: Batch
    done: dict[str, int]  # commands by what they did

    @property
    def main(self) -> Account:
        return self.east.main

    @property
    def other(self) -> Account:
        return self.east.accounts["other"]

    def command(self, kind: str, *, frm: int | None, to: int | None, quantity: int, bucket: int | None = ACTIVE, **more: Any) -> int:
        """A command as it stands in the table, made by nobody's function."""
        row = {
            "key": uuid.uuid4(),
            "request_hash": b"",
            "kind": kind,
            "organisation_id": self.east.organisation.pk,
            "from_account_id": frm,
            "to_account_id": to,
            "to_bucket": bucket,
            "quantity": quantity,
            "awaiting": [],
            "reason": "",
            "reference": "",
            "self_approved": False,
            "made_by_id": self.east.trader.pk,
            "request_id": "",
            "api_key": "",
            "hash": b"",
            **more,
        }
        return int(sql(f"INSERT INTO recs_command ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))}) RETURNING id", *row.values()))

    def entry(
        self, command: int, first: int, last: int, *, prev: int | None, frm: tuple[int | None, int | None], to: tuple[int, int], of: int = 0
    ) -> int:
        return int(
            sql(
                "INSERT INTO recs_entry"
                " (command_id, batch_id, serials, from_account_id, from_bucket, to_account_id, to_bucket, prev_id, hash)"
                " VALUES (%s, %s, int8range(%s, %s), %s, %s, %s, %s, %s, '') RETURNING id",
                *(command, of or self.b.pk, first, last + 1, *frm, *to, prev),
            )
        )

    def holding(self, first: int, last: int, *, account: int, bucket: int, entry: int, of: int = 0) -> None:
        sql(
            "INSERT INTO recs_holding (batch_id, serials, account_id, bucket, entry_id) VALUES (%s, int8range(%s, %s), %s, %s, %s)",
            *(of or self.b.pk, first, last + 1, account, bucket, entry),
        )

    def piece(self, command: int, first: int, last: int, *, account: int, bucket: int) -> None:
        """Out of the holding that has them, entry and holdings as they should be."""
        sql(
            "SELECT recs_piece(%s, h, int8range(%s, %s), %s, %s::smallint) FROM recs_holding h"
            " WHERE batch_id = %s AND serials @> %s::bigint",
            *(command, first, last + 1, account, bucket, self.b.pk, first),
        )

    def entry_of(self, serial: int) -> int:
        """By which entry it is where it is now."""
        return int(sql("SELECT entry_id FROM recs_holding WHERE batch_id = %s AND serials @> %s::bigint", self.b.pk, serial))

    def issue_entry(self) -> int:
        return int(sql("SELECT id FROM recs_entry WHERE command_id = %s", self.done["made"]))

    def alter_holding(self, serial: int, change: str, *values: Any) -> None:
        sql(f"UPDATE recs_holding SET {change} WHERE batch_id = %s AND serials @> %s::bigint", *values, self.b.pk, serial)


def stage() -> Stage:
    east, west, toy = firm("east"), firm("west"), firm("toy", sandbox=True)
    other = east.account("other")
    east.account("shut")
    east.account("graveyard", kind="retirement")
    east.account("outside", kind="external")
    east.account("gats only", registry_id="gats")
    east.account("mirror", registry_id="mrets", registry_account="R-1")
    wind = generator(east)
    Registration.objects.create(generator=wind, registry_id="mrets", unit_id="M1", sandbox=False)
    Eligibility.objects.create(generator=wind, programme="NJ Class I", valid=(date(2020, 1, 1), None))
    GenerationRead.objects.create(generator=wind, days=(date(2024, 1, 1), date(2024, 2, 1)), generation_mwh=10)
    made = Stage(east, west, toy, batch(east, of=wind, last=2000), {})
    batch(toy, base="TOY")
    with_trader = {"by": east.trader}

    def serials(first: int, last: int) -> list[SerialRange]:
        return [SerialRange(made.b.pk, first, last)]

    def moved(name: str, first: int, last: int, to: Account = other, **more: Any) -> int:
        done = ledger.transfer(key=key(), from_account=east.main.pk, to_account=to.pk, ranges=serials(first, last), **with_trader, **more)
        made.done[name] = done
        return done

    made.done["made"] = ledger.issue(key=key(), batch=made.b.pk, account=east.main.pk, first=1, last=1000, **with_trader)
    moved("away", 1, 300)
    made.done["retired"] = ledger.retire(key=key(), by=east.officer, account=east.main.pk, ranges=serials(301, 310), purpose=PURPOSE)
    made.done["exported"] = ledger.export(key=key(), account=east.main.pk, ranges=serials(311, 320), to_registry="nar", **with_trader)
    ledger.confirm(key=key(), command=made.done["exported"], reference="X-1", reference_date=date(2024, 5, 1), **with_trader)
    moved("offered", 321, 330, west.main)
    made.done["reversal"] = ledger.reverse(key=key(), command=moved("reversed", 331, 340), **with_trader)
    moved("again", 331, 340)
    moved("short", 341, 350)
    ledger.grant_credit(key=key(), creditor=east.organisation.pk, debtor=west.organisation.pk, limit_usd=Decimal(1000), **with_trader)
    ledger.accept(key=key(), by=west.trader, command=moved("sold", 351, 360, west.main, price_usd=Decimal(10)))
    sql("UPDATE recs_account SET closed_at = now() + interval '1 day' WHERE id = %s", east.accounts["shut"].pk)
    proved()
    sql("SELECT recs_seal()")
    made.b.refresh_from_db()
    return made
