"""All writes on the records that people keep: accounts, generators, batches, meter reads, policies.

Each is one transaction and leaves a row in the history with its reason. What a record may be is the database's to say: its
rules come out as the errors of recs/errors.py, and then nothing has changed. Certificates move by recs/ledger.py alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from energyopti.errors import Faults
from energyopti.organisations.models import Membership, Organisation, User
from energyopti.organisations.queries import role_in
from recs.errors import RoleTooSmall, Unknown, rules_told
from recs.exact import LARGEST_SERIAL
from recs.models import Account, Batch, Command, Eligibility, GenerationRead, Generator, Policy, Registration
from recs.queries import registry_code

Row = TypeVar("Row", bound=Model)
LONGEST_REASON = 100  # as the history keeps it
_OUTSIDE = {"fuel": "fuel_type", "registry_id": "registry"}  # columns that the outside calls otherwise


def may_write(user: User, organisation: Organisation) -> None:
    """Raises Unknown for somebody who does not belong, RoleTooSmall for a viewer."""
    role = role_in(user, organisation)
    if role is None:
        raise Unknown("there is nothing of this name that you may use", field="owner_id")
    if role == Membership.Role.VIEWER:
        raise RoleTooSmall("a viewer may not change records")


def open_account(
    *,
    organisation: Organisation,
    name: str,
    kind: str = "active",
    registry: str | None = None,
    registry_account: str = "",
    reason: str = "",
) -> Account:
    """`registry_account`: the account there that this one mirrors; what leaves it waits for the registry's confirmation."""
    faults = Faults()
    if kind == Account.Kind.WORLD:
        faults.add("the world outside belongs to nobody: it is there already", "kind")
    if registry_account and not registry:
        faults.add("name the registry that this account is at", "registry")
    if registry_account and kind == Account.Kind.EXTERNAL:
        faults.add("a counterparty's account mirrors none of yours", "registry_account")
    code = faults.of(lambda: registry_code(registry)) if registry else None
    account = Account(
        organisation=organisation,
        name=name.strip(),
        kind=kind,
        registry_id=code,
        registry_account=registry_account.strip(),
        sandbox=organisation.sandbox,
    )
    return _saved(account, reason, faults)


def rename_account(*, account: Account, name: str, reason: str) -> Account:
    with rules_told(), transaction.atomic():
        locked = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        locked.name = name.strip()
        return _saved(locked, reason)


def close_account(*, account: Account, reason: str) -> Account:
    """For good; one that holds certificates stays open. An account that is closed stays as it is."""
    with rules_told(), transaction.atomic():
        locked = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if locked.closed_at is None:
            locked.closed_at = timezone.now()
            _saved(locked, reason)
    return locked


def record_generator(
    *,
    organisation: Organisation,
    name: str,
    fuel: str,
    state: str,
    capacity_mw: Decimal,
    technology: str = "",
    commissioned_on: date | None = None,
    registrations: Sequence[tuple[str, str]] = (),
    eligibilities: Sequence[tuple[str, date | None, date | None, str]] = (),
    reason: str = "",
) -> Generator:
    """`registrations`: (registry, unit id). `eligibilities`: (programme, first day, last day or None for good, certification)."""
    faults = Faults()
    if not capacity_mw.is_finite() or capacity_mw <= 0:
        faults.add("a generator's capacity is above zero", "capacity_mw")
    generator = Generator(
        organisation=organisation,
        name=name.strip(),
        fuel=fuel.strip().lower(),
        technology=technology.strip(),
        state=state.strip().upper(),
        capacity_mw=capacity_mw,
        commissioned_on=commissioned_on,
        sandbox=organisation.sandbox,
    )
    if not re.fullmatch(r"[a-z][a-z_]*", generator.fuel):
        faults.add("a fuel is a word of small letters and underscores: wind, landfill_gas", "fuel_type")
    if not re.fullmatch(r"[A-Z]{2}", generator.state):
        faults.add("a state is two letters: IA", "state")
    units = [_registration(generator, *told, faults=faults) for told in registrations]
    eligible = [_eligibility(generator, *told, faults=faults) for told in eligibilities]
    with rules_told(), transaction.atomic():
        _saved(generator, reason, faults)
        for row in (*units, *eligible):
            _saved(row, reason)
    return generator


def _registration(generator: Generator, registry: str, unit: str, *, faults: Faults) -> Registration:
    code = faults.of(lambda: registry_code(registry, field="registrations")) or ""
    row = Registration(generator=generator, registry_id=code, unit_id=single_blanks(unit), sandbox=generator.sandbox)
    _check(row, faults, at="registrations")
    return row


def _eligibility(
    generator: Generator, programme: str, first: date | None, last: date | None, certification: str, *, faults: Faults
) -> Eligibility:
    if first and last and last < first:
        faults.add(f"{programme} ends on {last}, before it begins on {first}", "eligibilities")
    valid = (first, _behind(last, faults, "eligibilities") if last else None)
    row = Eligibility(generator=generator, programme=programme.strip(), valid=valid, certification=certification.strip())
    _check(row, faults, at="eligibilities")
    return row


def record_batch(
    *,
    organisation: Organisation,
    generator: Generator,
    registry: str,
    serial_base: str,
    serial_start: int,
    serial_end: int,
    vintage: date,
    registry_text: str = "",
    variance_of: Batch | None = None,
    export: Command | None = None,
    reason: str = "",
) -> Batch:
    """A serial base of a registry; both serials included, `vintage` any day of the month. `export`: the command whose
    certificates come in here under new serial numbers."""
    faults = Faults()
    code = faults.of(lambda: registry_code(registry)) or ""
    if export and export.organisation_id != organisation.pk:
        raise Unknown("there is nothing of this number that you may use", field="export")
    if not 0 <= serial_start <= LARGEST_SERIAL or not 0 <= serial_end <= LARGEST_SERIAL:
        faults.add(f"a serial number lies between 0 and {LARGEST_SERIAL}", "serial_start")
    elif serial_end < serial_start:
        faults.add("the last serial number comes before the first", "serial_end")
    batch = Batch(
        organisation=organisation,
        generator=generator,
        registry_id=code,
        serial_base=single_blanks(serial_base),
        serials=(serial_start, serial_end + 1),
        registry_text=registry_text,  # letter by letter
        fuel=generator.fuel,
        state=generator.state,
        vintage=vintage.replace(day=1),
        sandbox=organisation.sandbox,
        variance_of=variance_of,
        export=export,
    )
    saved = _saved(batch, reason, faults)
    saved.refresh_from_db(fields=["serials"])  # as a range
    return saved


def void_batch(batch: Batch, *, reason: str) -> Batch:
    """Its issue was refused or undone: the serials, and the generator's month, are free for the right batch."""
    with rules_told(), transaction.atomic():
        locked = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
        locked.voided_at = locked.voided_at or timezone.now()
        return _saved(locked, reason)


def record_read(
    *,
    generator: Generator,
    first_day: date,
    last_day: date,
    generation_mwh: Decimal,
    batch: Batch | None = None,
    reason: str = "",
) -> GenerationRead:
    """Accepted metered generation of some days, both included; days of a generator count once."""
    faults = Faults()
    if last_day < first_day:
        faults.add("the last day comes before the first", "last_day")
    if not generation_mwh.is_finite() or generation_mwh < 0:
        faults.add("generation is not below zero", "generation_mwh")
    if batch and batch.generator_id != generator.pk:
        faults.add("the batch is of another generator", "batch_id")
    days = (first_day, _behind(last_day, faults, "last_day"))
    return _saved(GenerationRead(generator=generator, days=days, generation_mwh=generation_mwh, batch=batch), reason, faults)


def set_policy(*, organisation: Organisation, four_eyes: Sequence[str], offer_days: int, reason: str) -> Policy:
    """Which actions need a second person, and for how many days an offer or a request stays open."""
    with rules_told(), transaction.atomic():
        Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)  # two first policies wait for each other
        policy = Policy.objects.filter(organisation=organisation).first() or Policy(organisation=organisation)
        faults = Faults()
        if not 1 <= offer_days <= 366:
            faults.add("an offer stays open for 1 to 366 days", "offer_days")
        policy.four_eyes, policy.offer_days = sorted(set(four_eyes)), offer_days
        return _saved(policy, reason, faults)


def single_blanks(text: str) -> str:
    """How names that registries give are kept."""
    return " ".join(text.split())


def _behind(day: date, faults: Faults, field: str) -> date:
    """The first day after it."""
    if day == date.max:
        faults.add("the calendar ends there: leave it out where there is no last day", field)
        return day
    return day + timedelta(days=1)


def _saved(row: Row, reason: str, faults: Faults | None = None) -> Row:
    """Save with its history row, unless something is wrong with it."""
    faults = faults or Faults()
    if len(reason) > LONGEST_REASON:
        faults.add(f"a reason has at most {LONGEST_REASON} characters: it is kept in the history", "reason")
    _check(row, faults)
    faults.tell()
    row._change_reason = reason  # type: ignore[attr-defined]  # simple-history's way in
    with rules_told(), transaction.atomic():
        row.save()
    return row


def _check(row: Model, faults: Faults, *, at: str = "") -> None:
    """What a field alone can say: lengths, blanks, choices. Rows that belong together are the database's business."""
    found = {fault.field for fault in faults.found}
    try:
        row.clean_fields(exclude={field.name for field in row._meta.concrete_fields if field.is_relation})
    except ValidationError as problem:
        for name, errors in problem.error_dict.items():
            field = at or _OUTSIDE.get(name, name)
            if field not in found:
                faults.add(f"{_OUTSIDE.get(name, name)}: {' '.join(message for error in errors for message in error.messages)}", field)
