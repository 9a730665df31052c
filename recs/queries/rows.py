"""What the queries of certificates give back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from recs.types import Purpose


@dataclass(frozen=True, slots=True)
class PortfolioLine:
    """How many certificates of one registry, month, fuel and state are in one status, over how many batches."""

    registry: str
    vintage: date
    fuel_type: str
    state: str
    status: str  # active, held, retired, exported
    quantity_mwh: int
    batches: int


@dataclass(frozen=True, slots=True)
class HoldingRow:
    """A serial range that lies in one account in one status; `id` None: it was exported, and lies here no more."""

    id: int | None
    batch_id: int
    registry: str
    serial_start: int
    serial_end: int
    serials: str  # as the registry writes them
    quantity_mwh: int
    vintage: date
    fuel_type: str
    state: str
    generator: str
    account_id: int  # of what was exported: from which
    account: str
    owner_id: str  # the organisation's slug
    status: str  # active, held, retired, exported


@dataclass(frozen=True, slots=True)
class Piece:
    """A serial range that a command is about; pieces that touch are told as one."""

    batch_id: int
    serial_start: int
    serial_end: int
    serials: str
    quantity_mwh: int
    registry: str
    vintage: date
    fuel_type: str
    state: str
    generator: str


@dataclass(frozen=True, slots=True)
class CommandStep:
    """How a command went on: the command itself first, then what resolved its stages."""

    id: int
    kind: str
    at: datetime
    organisation: str  # whose people did it: its name
    made_by: str  # who, where it is an organisation of the asker's; else, and for the clock, empty
    reason: str
    reference: str
    reference_date: date | None
    awaiting: tuple[str, ...]  # what was still to pass after it
    self_approved: bool
    request_id: str  # and the key: empty for the other side
    api_key: str


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command that somebody asked for, and where it stands. `ranges`, `steps` and `purpose` only where one is asked for."""

    id: int
    kind: str
    status: str  # pending, instructed, completed, rejected, cancelled, expired, reversed
    awaiting: tuple[str, ...]  # stages still to pass: approval, acceptance, registry, release
    organisation_id: int
    owner_id: str  # the slug of whoever acts
    owner: str
    counterparty_id: int | None
    counterparty: str  # the slug of the other side; empty: there is none
    from_account_id: int | None
    from_account: str  # its name; empty where it is not the asker's
    to_account_id: int | None
    to_account: str
    quantity: int
    price_usd: Decimal | None
    reason: str
    reference: str  # the registry's confirmation number
    reference_date: date | None
    expires_at: datetime | None
    self_approved: bool
    made_by: str
    created_at: datetime
    changed_at: datetime  # of its last step
    reverses: int | None
    reversed_by: int | None
    export: int | None
    to_registry: str | None
    mine: bool  # an organisation of the asker's acts
    incoming: bool  # an organisation of the asker's is the one to accept or reject it
    ranges: tuple[Piece, ...] = ()
    steps: tuple[CommandStep, ...] = ()
    purpose: Purpose | None = None

    @property
    def stage(self) -> str:
        """What it awaits next; empty: nothing."""
        return self.awaiting[0] if self.awaiting else ""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to serials of a batch. `entry_id` None: nothing moved (recorded, approved)."""

    at: datetime
    kind: str  # recorded, or the command's kind
    command_id: int | None
    root_id: int | None  # the command that was asked for; `command_id` may resolve it
    entry_id: int | None
    serial_start: int
    serial_end: int
    serials: str
    quantity_mwh: int
    from_account_id: int | None
    from_account: str  # its name; empty where it is not the asker's
    from_status: str  # active, held, retired; empty: it was issued by this
    to_account_id: int | None
    to_account: str
    to_status: str
    organisation: str  # whose people did it: its name
    made_by: str  # who, where it is an organisation of the asker's; else, and for the clock, empty
    reason: str
    beneficiary: str  # of a retirement
    reference: str
    reference_date: date | None


@dataclass(frozen=True, slots=True)
class AccountRow:
    id: int
    owner_id: str
    name: str
    kind: str
    registry: str | None
    registry_account: str  # the account there that this one mirrors; empty: none
    sandbox: bool
    opened_at: datetime
    closed_at: datetime | None
    active_mwh: int
    held_mwh: int
    retired_mwh: int


@dataclass(frozen=True, slots=True)
class Unit:
    """The name that a registry has for a generator."""

    registry: str
    unit_id: str


@dataclass(frozen=True, slots=True)
class Eligible:
    """A certification for a programme, both days included; `last_day` None: for good."""

    programme: str
    first_day: date | None
    last_day: date | None
    certification: str


@dataclass(frozen=True, slots=True)
class GeneratorRow:
    id: int
    owner_id: str
    name: str
    fuel_type: str
    technology: str
    state: str
    capacity_mw: Decimal
    commissioned_on: date | None
    sandbox: bool
    registrations: tuple[Unit, ...]
    eligibilities: tuple[Eligible, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a record got another value. Of a new record each field is one; `old` is None then."""

    when: datetime
    user: str
    reason: str
    request_id: str
    api_key: str
    field: str
    old: str | None
    new: str | None
