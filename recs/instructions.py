"""What to type into a registry for a command that waits for it: a checklist, the exact text where one is prescribed, and rows.

Pure. What is known of the registries' layouts was read in their documents (November 2026); where a layout is not known the
columns are ours, and the checklist says so. Nothing here is a guess at what a registry may want.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from recs.types import Purpose

PLAIN = ("serial numbers", "quantity", "vintage", "generator", "unit")
MRETS_TRANSFER = ("serial numbers", "quantity", "destination organization id", "destination account id", "notes")
NEPOOL_TRANSFER = ("buyerAccountId", "certificateSerialNumberRange", "notes", "pricePerCertificate", "quantity", "requestCorrelationId")
GATS_TRANSFER = (
    *("RowID", "GATSUnitID", "RECSerialNumber", "MonthYear", "Quantity"),
    *("Price", "AccountID", "AccountName", "TransferType"),
)
DEEDS = {"transfer": "transfer", "retire": "retire", "export": "export", "reverse": "transfer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A serial range as its registry writes it."""

    serials: str
    quantity: int
    vintage: date
    generator: str
    unit: str  # what the registry calls the generator; empty: not recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command as somebody at the registry's screen needs it. What is empty is not known here."""

    command: int
    kind: str  # transfer, retire, export, reverse
    registry: str
    registry_name: str
    account: str  # at the registry
    receiver: str  # whose account it goes to: a name
    receiver_account: str  # at the registry
    to_registry: str  # of an export
    to_registry_name: str
    purpose: Purpose | None
    price_usd: Decimal | None
    reason: str
    effective: date
    lines: Sequence[Line]

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.lines)

    def price_each(self) -> str:
        """With the two decimals that registries want; empty where the price does not come out even."""
        each = None if self.price_usd is None or not self.quantity else self.price_usd / self.quantity
        return "" if each is None or each != each.quantize(Decimal("0.01")) else f"{each:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    action: str
    steps: tuple[str, ...]
    text: str  # to be typed letter by letter; empty: none is prescribed
    layout_known: bool
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def csv(self) -> str:
        out = io.StringIO()
        csv.writer(out, lineterminator="\r\n").writerows([self.columns, *self.rows])
        return out.getvalue()


def instruction(order: Order) -> Instruction:
    action = DEEDS[order.kind]
    text = _text(order, action)
    columns, rows = _table(order, action)
    known = columns != PLAIN
    steps = (_where(order), *_how(order, action, text), *_layout(order, known), _afterwards(order))
    return Instruction(action=action, steps=steps, text=text, layout_known=known, columns=columns, rows=rows)


def _text(order: Order, action: str) -> str:
    """ERCOT exports nothing: what goes to M-RETS is retired there with this text."""
    if (action, order.registry, order.to_registry) == ("export", "ercot", "mrets"):
        return f"Export to M-RETS effective {order.effective:%m/%d/%Y}"
    return ""


# --- the checklist ----------------------------------------------------------------------------------------


def _where(order: Order) -> str:
    account = f", account {order.account}" if order.account else ""
    return f"Log in to {order.registry_name}{account}, and choose the {order.quantity} certificates of the rows below."


def _how(order: Order, action: str, text: str) -> list[str]:
    if action == "export":
        return _export(order, text)
    return _retire(order) if action == "retire" else _transfer(order)


def _export(order: Order, text: str) -> list[str]:
    if order.registry == "ercot":
        if not text:
            return [
                "ERCOT has no export of its own: certificates are retired there with a text that names the other registry.",
                f"The text for {order.to_registry_name} is not known here: ask that registry before you retire anything.",
            ]
        return [
            "ERCOT has no export of its own: retire these certificates, and type as the reason, letter by letter:",
            text,
            "E-mail the declaration that M-RETS asks for; it issues the certificates anew under numbers of its own.",
        ]
    fee = " M-RETS charges USD 0.02 a certificate." if order.registry == "mrets" else ""
    return [f"Export them to {order.to_registry_name}.{fee}"]


def _retire(order: Order) -> list[str]:
    purpose = order.purpose
    assert purpose is not None  # the ledger takes no retirement without one
    steps = [f"Retire them for {purpose.beneficiary}. Reason: {purpose.reason}."]
    if purpose.programme:
        whole = " ".join(filter(None, (purpose.state, purpose.programme, purpose.tier)))
        steps.append(f"Name the programme {whole}, compliance year {purpose.compliance_year}.")
    if order.registry == "mrets":
        steps.append("Choose M-RETS's retirement reason: BBO, GRN, UGP, RPS, MUN or FDR. A wrong one can be put right for 24 hours.")
    return steps


def _transfer(order: Order) -> list[str]:
    account = f", account {order.receiver_account}" if order.receiver_account else "; ask for the number of their account there"
    steps = [f"Transfer them to {order.receiver or 'the receiver'}{account}."]
    if order.price_usd is not None:
        each = order.price_each()
        steps.append(
            f"The price is USD {order.price_usd:.2f} for all" + (f", {each} each." if each else ": it does not come out even in cents.")
        )
    if order.registry == "gats":
        steps.append("Choose the transfer type: it is not recorded here.")
    return steps


def _layout(order: Order, known: bool) -> list[str]:
    if not known:
        return [f"No upload layout of {order.registry_name} for this is known here: the columns below are ours, to type from."]
    return [
        f"The rows below have {order.registry_name}'s own columns; what is empty is not recorded here.",
        "Whether an upload wants the line of names is not known here.",
    ]


def _afterwards(order: Order) -> str:
    return f"Enter the confirmation number and its date at command {order.command}; if the registry refuses, say so there."


# --- the rows ---------------------------------------------------------------------------------------------


def _table(order: Order, action: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    if action == "transfer" and order.registry in _TRANSFERS:
        columns, row = _TRANSFERS[order.registry]
        return columns, tuple(row(order, place, line) for place, line in enumerate(order.lines, 1))
    return PLAIN, tuple((line.serials, str(line.quantity), f"{line.vintage:%Y-%m}", line.generator, line.unit) for line in order.lines)


def _mrets(order: Order, place: int, line: Line) -> tuple[str, ...]:
    return line.serials, str(line.quantity), "", order.receiver_account, order.reason


def _nepool(order: Order, place: int, line: Line) -> tuple[str, ...]:
    return order.receiver_account, line.serials, order.reason, order.price_each(), str(line.quantity), f"{order.command}-{place}"


def _gats(order: Order, place: int, line: Line) -> tuple[str, ...]:
    what = (str(place), line.unit, line.serials, f"{line.vintage:%m/%Y}", str(line.quantity))
    return (*what, order.price_each(), order.receiver_account, order.receiver, "")


_TRANSFERS = {"mrets": (MRETS_TRANSFER, _mrets), "nepool": (NEPOOL_TRANSFER, _nepool), "gats": (GATS_TRANSFER, _gats)}
