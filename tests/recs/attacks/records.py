"""Attacks on business records: those that would move, double or lose certificates without any entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from psycopg.types.range import Range

from recs import ledger
from recs.types import SerialRange
from tests.recs.attacks.stage import Stage, sql
from tests.recs.attacks.table import Guard, attack, constraint, index, trigger
from tests.recs.world import batch, generator, issued, key

ACCOUNT = "recs_account.account_guard"
READ_STAYS = trigger("read_stays_what_it_is", "recs_generationread.read_guard")
READ_SUITS = trigger("read_backs_its_batch", "recs_generationread.read_guard")


def remembered(table: str) -> Guard:
    """Whoever deletes says so in the history."""
    return trigger("deletion_is_remembered", f"{table}.deletion_remembered")


def change(table: str, pk: int, what: str, *values: Any) -> None:
    sql(f"UPDATE {table} SET {what} WHERE id = %s", *values, pk)


# --- batches: serials once, a month in one registry ---------------------------------------------------------------


@attack("records", "the same serials as a second batch", constraint("recs_batch", "batch_serials_once"))
def serials_twice(w: Stage) -> None:
    batch(w.west, of=generator(w.west), base=w.b.serial_base, first=1500, last=2500)


@attack("records", "the same serials by small letters and blanks", constraint("recs_batch", "batch_serials_once"))
def serials_in_another_spelling(w: Stage) -> None:
    batch(w.west, of=generator(w.west), base="pw-2024 -03", first=1500, last=2500)


@attack(
    "records",
    "the same serials by a character that nobody sees",
    constraint("recs_batch", "batch_base_plain"),
    constraint("recs_batch", "batch_serials_once"),
)
def serials_by_what_nobody_sees(w: Stage) -> None:
    batch(w.west, of=generator(w.west), base="PW\u200b-2024-03 ", first=1500, last=2500)


@attack("records", "a unit of a registry as a second generator", index("registration_unit_once"))
def unit_in_another_spelling(w: Stage) -> None:
    registered(w, "m 1")


@attack("records", "a unit by a letter that looks like another", constraint("recs_registration", "registration_unit_plain"))
def unit_of_other_letters(w: Stage) -> None:
    registered(w, "\N{CYRILLIC CAPITAL LETTER EM}1")


def registered(w: Stage, unit: str) -> None:
    sql(
        "INSERT INTO recs_registration (generator_id, registry_id, unit_id, sandbox) VALUES (%s, 'mrets', %s, false)",
        *(generator(w.west).pk, unit),
    )


@attack("records", "a generator's month in two registries", constraint("recs_batch", "batch_month_in_one_registry"))
def month_twice(w: Stage) -> None:
    batch(w.east, of=w.b.generator, registry="gats", base="other", vintage=w.b.vintage)


@attack("records", "meter reads that overlap", constraint("recs_generationread", "generation_read_once"))
def metered_twice(w: Stage) -> None:
    for first, last in ((1, 20), (20, 31)):
        sql(
            "INSERT INTO recs_generationread (generator_id, days, generation_mwh) VALUES (%s, daterange(%s, %s, '[]'), 10)",
            *(w.b.generator_id, date(2024, 3, first), date(2024, 3, last)),
        )


# --- metered energy backs one issuance --------------------------------------------------------------------------------


def backing(w: Stage) -> int:
    """A read of the month of `b`, and for `b`."""
    return metered(w, w.b.generator_id)


def metered(w: Stage, of: int, month: int = 3) -> int:
    return int(
        sql(
            "INSERT INTO recs_generationread (generator_id, days, generation_mwh, batch_id) VALUES (%s, daterange(%s, %s), 1000, %s)"
            " RETURNING id",
            *(of, date(2024, month, 1), date(2024, month + 1, 1), w.b.pk),
        )
    )


@attack("records", "a read backs another generator's batch", READ_SUITS)
def read_of_another_generator(w: Stage) -> None:
    metered(w, generator(w.east, "beside").pk)


@attack("records", "a read backs another organisation's batch", READ_SUITS)
def read_of_another_organisation(w: Stage) -> None:
    change("recs_generator", w.b.generator_id, "organisation_id = %s", w.west.organisation.pk)
    backing(w)


@attack("records", "a read backs another month's batch", READ_SUITS)
def read_of_another_month(w: Stage) -> None:
    metered(w, w.b.generator_id, month=4)


@attack("records", "an old read backs another month's batch", READ_SUITS)
def old_read_of_another_month(w: Stage) -> None:
    sql("UPDATE recs_generationread SET batch_id = %s", w.b.pk)  # of January


@attack("records", "a read is taken from its batch", READ_STAYS)
def read_taken_away(w: Stage) -> None:
    change("recs_generationread", backing(w), "batch_id = NULL")


@attack("records", "a read backs a second batch", READ_STAYS)
def read_used_twice(w: Stage) -> None:
    more = batch(w.east, of=w.b.generator, base="more", vintage=w.b.vintage)
    change("recs_generationread", backing(w), "batch_id = %s", more.pk)


@attack("records", "a read that backs a batch grows", READ_STAYS)
def read_grows(w: Stage) -> None:
    change("recs_generationread", backing(w), "generation_mwh = 2000")


@attack("records", "a read that backs a batch is deleted", READ_STAYS, remembered("recs_generationread"))
def read_deleted(w: Stage) -> None:
    sql("DELETE FROM recs_generationread WHERE id = %s", backing(w))


# --- what a batch is ----------------------------------------------------------------------------------------------------


@attack("records", "a batch grows", trigger("batch_stays_what_it_is", "recs_batch.batch_guard"))
def batch_grows(w: Stage) -> None:
    change("recs_batch", w.b.pk, "serials = int8range(1, 9001)")


@attack("records", "a batch becomes another month", trigger("batch_stays_what_it_is", "recs_batch.batch_guard"))
def another_month(w: Stage) -> None:
    change("recs_batch", w.b.pk, "vintage = '2023-03-01'")


@attack(
    "records",
    "a batch with certificates is deleted",
    trigger("batch_stays_what_it_is", "recs_batch.batch_stays"),
    remembered("recs_batch"),
    breaks="inside its batch",
)
def batch_deleted(w: Stage) -> None:
    sql("DELETE FROM recs_batch WHERE id = %s", w.b.pk)


@attack("records", "a batch is void while its certificates are with somebody", trigger("batch_voided_when_gone", "recs_batch.batch_guard"))
def voided_while_held(w: Stage) -> None:
    change("recs_batch", w.b.pk, "voided_at = now()")


@attack("records", "a batch is void though its certificates were sold outside", trigger("batch_voided_when_gone", "recs_batch.batch_guard"))
def voided_though_sold(w: Stage) -> None:
    sold = issued(w.east, of=w.b.generator, base="sold outside", vintage=w.b.vintage)
    world = sql("SELECT id FROM recs_account WHERE kind = 'world' AND registry_id = 'mrets' AND NOT sandbox")
    told = {"from_account": w.east.main.pk, "to_account": world, "ranges": [SerialRange(sold.pk, 1, 1000)]}
    ledger.transfer(key=key(), by=w.east.trader, **told)
    change("recs_batch", sold.pk, "voided_at = now()")


@attack("records", "a void batch comes back", trigger("batch_stays_what_it_is", "recs_batch.batch_guard"))
def void_no_more(w: Stage) -> None:
    change("recs_batch", void_batch(w), "voided_at = NULL")


@attack("records", "certificates of a void batch", trigger("entry_of_a_valid_batch", "recs_entry.entry_chain"))
def issued_though_void(w: Stage) -> None:
    command = w.command("issue", frm=None, to=w.east.main.pk, quantity=5)
    batch = void_batch(w)
    entry = w.entry(command, 1, 5, prev=None, frm=(None, None), to=(w.east.main.pk, 1), of=batch)
    w.holding(1, 5, account=w.east.main.pk, bucket=1, entry=entry, of=batch)


def void_batch(w: Stage) -> int:
    return raw_batch(w, serial_base="void", voided_at=datetime(2024, 5, 1, tzinfo=UTC))


@attack("records", "a batch of somebody else's generator", trigger("batch_of_own_generator", "recs_batch.batch_guard"))
def of_a_foreign_generator(w: Stage) -> None:
    raw_batch(w, organisation_id=w.west.organisation.pk)


@attack("records", "a closed account is open again", trigger("account_stays_closed", ACCOUNT))
def open_again(w: Stage) -> None:
    change("recs_account", w.east.accounts["shut"].pk, "closed_at = NULL")


@attack("records", "a vintage of the future", trigger("batch_vintage_is_past", "recs_batch.batch_guard"))
def tomorrow(w: Stage) -> None:
    raw_batch(w, vintage=date(2199, 1, 1))


@attack("records", "a batch in a registry that keeps none", trigger("batch_in_a_registry", "recs_batch.batch_guard"))
def kept_elsewhere(w: Stage) -> None:
    raw_batch(w, registry_id="caiso")


@attack("records", "a variance of something else", trigger("batch_varies_its_like", "recs_batch.batch_guard"))
def varies_another(w: Stage) -> None:
    raw_batch(w, variance_of_id=w.b.pk)


@attack(
    "records",
    "a variance of itself",
    trigger("batch_varies_its_like", "recs_batch.batch_guard"),
    constraint("recs_batch", "batch_varies_another"),
)
def varies_itself(w: Stage) -> None:
    raw_batch(w, id=999_999, variance_of_id=999_999)


@attack("records", "a real batch of a sandbox generator", trigger("batch_follows_generator", "recs_batch.batch_guard"))
def batch_of_the_sandbox(w: Stage) -> None:
    raw_batch(w, generator_id=sql("SELECT id FROM recs_generator WHERE sandbox"))


@attack("records", "a batch without end", constraint("recs_batch", "batch_serials_bounded"))
def endless(w: Stage) -> None:
    raw_batch(w, serials=Range(1, None))


@attack("records", "a batch below zero", constraint("recs_batch", "batch_serials_bounded"))
def below_zero(w: Stage) -> None:
    raw_batch(w, serials=Range(-5, 5))


@attack("records", "half a month", constraint("recs_batch", "batch_vintage_is_a_month"))
def half_a_month(w: Stage) -> None:
    raw_batch(w, vintage=date(2022, 1, 15))


@attack("records", "a batch without a base", constraint("recs_batch", "batch_base_plain"))
def baseless(w: Stage) -> None:
    raw_batch(w, serial_base="")


@attack("records", "an import of what was not exported", trigger("batch_within_export", "recs_batch.batch_within_export"))
def too_many(w: Stage) -> None:
    imported(w, 11)


@attack("records", "an import of another month", trigger("batch_within_export", "recs_batch.batch_within_export"))
def import_of_another_month(w: Stage) -> None:
    imported(w, 5, vintage=date(2024, 2, 1))


@attack("records", "an import into another registry than the export's", trigger("batch_within_export", "recs_batch.batch_within_export"))
def import_elsewhere(w: Stage) -> None:
    imported(w, 5, registry_id="gats")


@attack("records", "an import of somebody else's export", trigger("batch_within_export", "recs_batch.batch_within_export"))
def import_of_others(w: Stage) -> None:
    imported(w, 5, organisation_id=w.west.organisation.pk)


@attack("records", "an import of what was no export", trigger("batch_within_export", "recs_batch.batch_within_export"))
def import_of_a_transfer(w: Stage) -> None:
    imported(w, 5, export_id=w.done["away"])


def imported(w: Stage, many: int, **more: Any) -> None:
    told = {"export_id": w.done["exported"], "registry_id": "nar", "serial_base": "imported", "serials": Range(1, many + 1)}
    raw_batch(w, **told | {"vintage": w.b.vintage} | more)


def raw_batch(w: Stage, **told: Any) -> int:
    row = {
        "organisation_id": w.east.organisation.pk,
        "registry_id": "mrets",
        "serial_base": "raw",
        "serials": Range(1, 11),
        "registry_text": "",
        "generator_id": w.b.generator_id,
        "fuel": "wind",
        "state": "IA",
        "vintage": date(2022, 1, 1),
        "sandbox": False,
        "created_at": "2024-01-01T00:00Z",
        **told,
    }
    return int(sql(f"INSERT INTO recs_batch ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))}) RETURNING id", *row.values()))


# --- accounts, organisations, generators ----------------------------------------------------------------------------


@attack("records", "an account becomes another organisation's", trigger("account_stays_what_it_is", ACCOUNT))
def account_moves(w: Stage) -> None:
    change("recs_account", w.other.pk, "organisation_id = %s", w.west.organisation.pk)


@attack("records", "an account becomes one of the sandbox", trigger("account_stays_what_it_is", ACCOUNT), breaks="worlds apart")
def account_into_sandbox(w: Stage) -> None:
    change("recs_account", w.main.pk, "sandbox = true")


@attack("records", "an account stops to mirror a registry", trigger("account_stays_what_it_is", ACCOUNT))
def mirror_lost(w: Stage) -> None:
    change("recs_account", w.east.accounts["mirror"].pk, "registry_account = ''")


@attack("records", "an account with certificates is closed", trigger("account_closed_when_empty", ACCOUNT), breaks="closed is empty")
def closed_full(w: Stage) -> None:
    change("recs_account", w.main.pk, "closed_at = now() + interval '1 day'")


@attack("records", "a sandbox account of a real organisation", trigger("account_follows_organisation", ACCOUNT))
def sandbox_account(w: Stage) -> None:
    sql(
        "INSERT INTO recs_account (organisation_id, kind, name, registry_account, sandbox, opened_at)"
        " VALUES (%s, 'active', 'x', '', true, now())",
        w.east.organisation.pk,
    )


@attack(
    "records",
    "an organisation leaves the sandbox",
    trigger("organisation_stays_in_its_world", "organisations_organisation.recs_organisation_guard"),
)
def out_of_the_sandbox(w: Stage) -> None:
    change("organisations_organisation", w.toy.organisation.pk, "sandbox = false")


@attack("records", "a generator leaves the sandbox", trigger("generator_follows_organisation", "recs_generator.generator_guard"))
def generator_moves(w: Stage) -> None:
    sql("UPDATE recs_generator SET sandbox = false WHERE sandbox")


@attack(
    "records",
    "a real generator goes to an organisation of the sandbox",
    trigger("generator_follows_organisation", "recs_generator.generator_guard"),
)
def generator_given(w: Stage) -> None:
    change("recs_generator", w.b.generator_id, "organisation_id = %s, name = 'given'", w.toy.organisation.pk)


@attack("records", "a sandbox name of a real generator", trigger("registration_follows_generator", "recs_registration.registration_guard"))
def sandbox_name(w: Stage) -> None:
    sql(
        "INSERT INTO recs_registration (generator_id, registry_id, unit_id, sandbox) VALUES (%s, 'gats', 'NON1', true)",
        w.b.generator_id,
    )


@attack("records", "an account of the world for an organisation", constraint("recs_account", "account_world_belongs_to_nobody"))
def own_world(w: Stage) -> None:
    sql("INSERT INTO recs_account (kind, name, registry_account, sandbox, opened_at) VALUES ('world', 'mine', '', false, now())")


@attack("records", "a second world", Guard("account_world_once", ("DROP INDEX account_world_once",)))
def second_world(w: Stage) -> None:
    sql(
        "INSERT INTO recs_account (kind, name, registry_id, registry_account, sandbox, opened_at)"
        " VALUES ('world', 'x', 'nar', '', false, now())"
    )


# --- what is referred to stays; these constraints have no name of their own ---------------------------------------------


def referred(table: str, column: str) -> Guard:
    """The foreign key of a column, whatever Django calls it."""
    find = (
        f"SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = '{table}'::regclass AND conkey = (SELECT array_agg(attnum)"
    )
    find += f" FROM pg_attribute WHERE attrelid = conrelid AND attname = '{column}')"
    drop = f"DO $$ BEGIN EXECUTE 'ALTER TABLE {table} DROP CONSTRAINT ' || ({find}); END $$"
    return Guard(f"{table}.{column}", (drop,))


def deleted(what: str, table: str, which: str, *guards: Guard) -> None:
    def act(w: Stage) -> None:
        sql(f"DELETE FROM {table} WHERE id = {which}")

    attack("records", what, *guards)(act)


deleted(
    *("an account that had certificates is deleted", "recs_account", "(SELECT min(to_account_id) FROM recs_entry WHERE prev_id IS NULL)"),
    trigger("append_only", "recs_account.never_deleted"),
)
deleted(
    *("a generator that made certificates is deleted", "recs_generator", "(SELECT generator_id FROM recs_batch WHERE serial_base = 'TOY')"),
    referred("recs_batch", "generator_id"),
    remembered("recs_generator"),
)


@attack("records", "a person who made commands is deleted", trigger("command_names_what_is_there", "organisations_user.recs_named_stays"))
def person_deleted(w: Stage) -> None:
    sql("DELETE FROM organisations_membership WHERE user_id = %s", w.east.trader.pk)
    sql("DELETE FROM organisations_user WHERE id = %s", w.east.trader.pk)


# --- what goes is remembered -------------------------------------------------------------------------------------


def forgotten(table: str, which: str, *, before: Callable[[Stage], object] | None = None) -> None:
    """A row goes without a row of history that says so."""

    def act(w: Stage) -> None:
        if before is not None:
            before(w)
        sql(f"DELETE FROM {table} WHERE {which}")

    attack("records", f"a row of {table} goes and leaves no trace", remembered(table))(act)


forgotten("recs_policy", "organisation_id = (SELECT max(organisation_id) FROM recs_policy)")
forgotten("recs_generator", "name = 'Short-lived'", before=lambda w: generator(w.east, "Short-lived"))
forgotten("recs_registration", "unit_id = 'M1'")
forgotten("recs_eligibility", "programme = 'NJ Class I'")
forgotten("recs_generationread", "generation_mwh = 10")
forgotten("recs_batch", "serial_base = 'short-lived'", before=lambda w: batch(w.east, base="short-lived", vintage=date(2021, 1, 1)))
