"""What to type into a registry, for each that has an account to mirror."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from recs.instructions import Instruction, Line, Order, instruction
from recs.types import Purpose

LINE = Line(serials="1771330 1-250", quantity=250, vintage=date(2024, 3, 1), generator="Prairie Wind", unit="NON604366")
ORDER = Order(
    command=4711,
    kind="transfer",
    registry="gats",
    registry_name="PJM-EIS GATS",
    account="12345",
    receiver="City Utility",
    receiver_account="999",
    to_registry="",
    to_registry_name="",
    purpose=None,
    price_usd=Decimal("3125.00"),
    reason="contract 117",
    effective=date(2026, 11, 5),
    lines=[LINE, replace(LINE, serials="1771331 1-1", quantity=1)],
)
PURPOSE = Purpose(beneficiary="City Utility", reason="RPS", programme="Class I", state="NJ", compliance_year=2024, tier="")
MRETS = replace(ORDER, registry="mrets", registry_name="M-RETS")


def test_a_transfer_in_gats() -> None:
    told = instruction(replace(ORDER, price_usd=Decimal("3137.50")))
    assert told.columns == (
        *("RowID", "GATSUnitID", "RECSerialNumber", "MonthYear", "Quantity"),
        *("Price", "AccountID", "AccountName", "TransferType"),
    )
    assert told.rows == (
        ("1", "NON604366", "1771330 1-250", "03/2024", "250", "12.50", "999", "City Utility", ""),
        ("2", "NON604366", "1771331 1-1", "03/2024", "1", "12.50", "999", "City Utility", ""),
    )
    assert told.steps == (
        "Log in to PJM-EIS GATS, account 12345, and choose the 251 certificates of the rows below.",
        "Transfer them to City Utility, account 999.",
        "The price is USD 3137.50 for all, 12.50 each.",
        "Choose the transfer type: it is not recorded here.",
        "The rows below have PJM-EIS GATS's own columns; what is empty is not recorded here.",
        "Whether an upload wants the line of names is not known here.",
        "Enter the confirmation number and its date at command 4711; if the registry refuses, say so there.",
    )
    assert (told.action, told.text, told.layout_known) == ("transfer", "", True)


def test_a_price_that_does_not_come_out_even_is_left_for_a_person() -> None:
    told = instruction(ORDER)
    assert [row[5] for row in told.rows] == ["", ""]
    assert "The price is USD 3125.00 for all: it does not come out even in cents." in told.steps


def test_a_transfer_in_m_rets_has_its_five_columns() -> None:
    told = instruction(replace(MRETS, lines=[LINE]))
    assert told.columns == ("serial numbers", "quantity", "destination organization id", "destination account id", "notes")
    assert (told.rows, told.layout_known) == ((("1771330 1-250", "250", "", "999", "contract 117"),), True)


def test_a_transfer_in_nepool_has_the_fields_of_its_requests() -> None:
    told = instruction(replace(ORDER, registry="nepool", registry_name="NEPOOL GIS", price_usd=None, lines=[LINE]))
    assert told.columns == (
        "buyerAccountId",
        "certificateSerialNumberRange",
        "notes",
        "pricePerCertificate",
        "quantity",
        "requestCorrelationId",
    )
    assert told.rows == (("999", "1771330 1-250", "contract 117", "", "250", "4711-1"),)


def test_ercot_to_m_rets_is_a_retirement_with_the_exact_text() -> None:
    line = replace(LINE, serials="000001 -- 000031", quantity=31, unit="")
    told = instruction(
        replace(ORDER, kind="export", registry="ercot", registry_name="ERCOT", to_registry="mrets", to_registry_name="M-RETS", lines=[line])
    )
    assert told.text == "Export to M-RETS effective 11/05/2026"
    assert told.text in told.steps
    assert any("E-mail the declaration" in step for step in told.steps)
    assert told.rows == (("000001 -- 000031", "31", "2024-03", "Prairie Wind", ""),)


def test_ercot_to_another_registry_has_no_text_that_is_known() -> None:
    told = instruction(replace(ORDER, kind="export", registry="ercot", registry_name="ERCOT", to_registry="nar", to_registry_name="NAR"))
    assert told.text == ""
    assert any("not known here" in step and "NAR" in step for step in told.steps)


@pytest.mark.parametrize(("registry", "fee"), [("mrets", True), ("wregis", False)])
def test_an_export_elsewhere(registry: str, fee: bool) -> None:
    told = instruction(replace(ORDER, kind="export", registry=registry, registry_name="R", to_registry="nar", to_registry_name="NAR"))
    assert told.steps[1] == "Export them to NAR." + (" M-RETS charges USD 0.02 a certificate." if fee else "")
    assert (told.action, told.layout_known) == ("export", False)


def test_a_retirement_names_for_whom_and_for_which_programme() -> None:
    told = instruction(replace(MRETS, kind="retire", purpose=PURPOSE))
    assert told.steps[1:4] == (
        "Retire them for City Utility. Reason: RPS.",
        "Name the programme NJ Class I, compliance year 2024.",
        "Choose M-RETS's retirement reason: BBO, GRN, UGP, RPS, MUN or FDR. A wrong one can be put right for 24 hours.",
    )
    voluntary = instruction(replace(ORDER, kind="retire", purpose=Purpose(beneficiary="x", reason="y")))
    assert not any("programme" in step for step in voluntary.steps)


@pytest.mark.parametrize("registry", ["nar", "wregis", "nyiso", "ercot"])
def test_no_layout_is_made_up_where_none_is_known(registry: str) -> None:
    told = instruction(replace(ORDER, registry=registry, registry_name="R"))
    assert (told.layout_known, told.columns) == (False, ("serial numbers", "quantity", "vintage", "generator", "unit"))
    assert "No upload layout of R for this is known here: the columns below are ours, to type from." in told.steps


def test_who_is_not_known_is_asked_for() -> None:
    told = instruction(replace(ORDER, account="", receiver="", receiver_account="", price_usd=None))
    assert told.steps[0] == "Log in to PJM-EIS GATS, and choose the 251 certificates of the rows below."
    assert told.steps[1] == "Transfer them to the receiver; ask for the number of their account there."


def test_a_way_back_is_a_transfer() -> None:
    assert instruction(replace(ORDER, kind="reverse")).action == "transfer"


def test_the_csv_is_one_that_reads_back() -> None:
    told: Instruction = instruction(replace(MRETS, reason='a "fine", sale\nof ours', lines=[LINE]))
    assert list(csv.reader(io.StringIO(told.csv))) == [list(told.columns), list(told.rows[0])]
    assert told.csv.endswith("\r\n")
