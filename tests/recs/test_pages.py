"""The portfolio page without its scripts: what is shown, summed, filtered and refused."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from html import unescape

import pytest
from django.test import Client

from energyopti.organisations.models import Membership, Organisation, User
from energyopti.organisations.scope import seeing
from recs import ledger, queries
from recs.models import Batch
from recs.types import Criteria, Purpose, SerialRange
from tests.markets.api.asking import queries_sent
from tests.recs.world import Firm, firm, generator, issued, key

pytestmark = pytest.mark.django_db

# (name, fuel, state), registry, vintage, certificates
ISSUED = (
    (("Prairie", "wind", "IA"), "mrets", date(2024, 11, 1), 900),
    (("Prairie", "wind", "IA"), "mrets", date(2024, 12, 1), 1_100),
    (("Garden", "solar", "NJ"), "gats", date(2024, 12, 1), 400),
    (("River", "hydro", "PA"), "gats", date(2025, 2, 1), 50),
    (("Pit", "landfill_gas", "NJ"), "gats", date(2025, 2, 1), 7),
)
NOBODY = Purpose(beneficiary="A bakery", reason="Its claim")


@pytest.fixture
def east() -> Firm:
    return firm("east")


@pytest.fixture
def west() -> Firm:
    return firm("west")


@pytest.fixture
def person(client: Client, east: Firm) -> Client:
    client.force_login(east.trader)
    return client


@pytest.fixture
def batches(east: Firm) -> list[int]:
    """The numbers of the batches, all of them issued."""
    plants, found = {}, []
    for number, ((name, fuel, state), registry, vintage, last) in enumerate(ISSUED):
        plant = plants.setdefault(name, None) or generator(east, name, fuel=fuel, state=state)
        plants[name] = plant
        found.append(issued(east, of=plant, registry=registry, vintage=vintage, base=f"B{number}", last=last).pk)
    return found


@pytest.fixture
def moved(east: Firm, west: Firm, batches: list[int]) -> Counter[tuple[str, str, str, str, str]]:
    """What East has after some commands: (vintage, fuel, state, registry, status) → certificates, counted here and nowhere else."""
    wind, _, sun, water, gas = batches
    ledger.retire(key=key(), by=east.officer, account=east.main.pk, ranges=[SerialRange(wind, 1, 200)], purpose=NOBODY)
    ledger.reserve(key=key(), by=east.trader, account=east.main.pk, ranges=[SerialRange(sun, 11, 40)])
    ledger.transfer(
        key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, ranges=[SerialRange(gas, 1, 7)]
    )  # an offer: held until West accepts
    sold = ledger.transfer(
        key=key(), by=east.trader, from_account=east.main.pk, to_account=west.main.pk, ranges=[SerialRange(water, 1, 20)]
    )
    ledger.accept(key=key(), by=west.trader, command=sold)
    gone = ledger.export(key=key(), by=east.trader, account=east.main.pk, to_registry="nar", ranges=[SerialRange(wind, 201, 300)])
    ledger.confirm(key=key(), by=east.officer, command=gone, reference="X-1", reference_date=date(2025, 3, 1))
    buyer = east.account("buyer", kind="external")
    ledger.transfer(key=key(), by=east.trader, from_account=east.main.pk, to_account=buyer.pk, ranges=[SerialRange(sun, 1, 10)])
    return Counter(
        {
            ("2024-11", "wind", "IA", "M-RETS", "active"): 900 - 200 - 100,
            ("2024-11", "wind", "IA", "M-RETS", "retired"): 200,
            ("2024-11", "wind", "IA", "M-RETS", "exported"): 100,
            ("2024-12", "wind", "IA", "M-RETS", "active"): 1_100,
            ("2024-12", "solar", "NJ", "PJM-EIS GATS", "active"): 400 - 30 - 10,
            ("2024-12", "solar", "NJ", "PJM-EIS GATS", "held"): 30,
            ("2025-02", "hydro", "PA", "PJM-EIS GATS", "active"): 30,
            ("2025-02", "landfill gas", "NJ", "PJM-EIS GATS", "held"): 7,
        }
    )


def shown(person: Client, query: str = "", status: int = 200) -> str:
    answer = person.get(f"/recs/{query}")
    assert answer.status_code == status
    return answer.content.decode()


def cells(page: str, heading: str) -> list[list[str]]:
    """A table's rows as texts, by the heading that names its region."""
    table = re.search(rf'aria-labelledby="{heading}">\s*<table.*?</table>', page, re.DOTALL)[0]
    rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    return [[text(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]


def text(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", markup)).split())


def counted(page: str) -> Counter[tuple[str, str, str, str, str]]:
    """The table as counts; its last row and column have to be their sums."""
    (heading, *rows, foot) = cells(page, "table")
    statuses = [name.lower() for name in heading[4:] if name != "Sum"]
    found: Counter[tuple[str, str, str, str, str]] = Counter()
    for row in rows:
        counts = [int(cell.replace(",", "")) for cell in row[4:]]
        assert len(statuses) == 1 or counts[-1] == sum(counts[:-1])
        found.update({(row[0], row[1], row[2], row[3], status): count for status, count in zip(statuses, counts, strict=False) if count})
    totals = [sum(count for cell, count in found.items() if cell[4] == status) for status in statuses]
    assert [int(cell.replace(",", "")) for cell in foot[1:]] == totals + ([sum(totals)] if len(statuses) > 1 else [])
    return found


def of(moved: Counter[tuple[str, str, str, str, str]], *statuses: str) -> Counter[tuple[str, str, str, str, str]]:
    return Counter({cell: count for cell, count in moved.items() if cell[4] in statuses})


# --- who sees what --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "serial/", "commands/1/"])
def test_a_stranger_is_sent_to_log_in(client: Client, path: str) -> None:
    assert client.get(f"/recs/{path}")["Location"] == f"/accounts/login/?next=/recs/{path}"


def test_who_belongs_nowhere_is_told_whom_to_ask(client: Client) -> None:
    client.force_login(User.objects.create_user("alone"))
    page = shown(client)
    assert "You belong to no organisation" in page
    assert 'href="/accounts/people/"' in page


@pytest.mark.parametrize("slug", ["west", "nobody"])
def test_a_foreign_organisation_is_not_there(person: Client, west: Firm, slug: str) -> None:
    assert person.get(f"/recs/?owner_id={slug}").status_code == 404


def test_a_member_of_two_chooses_and_begins_with_the_real_one(client: Client, east: Firm) -> None:
    play = firm("a-sandbox", sandbox=True)
    Membership.objects.create(user=east.trader, organisation=play.organisation, role="viewer")
    client.force_login(east.trader)
    issued(east)
    page = shown(client)
    assert "East, you are trader" in page
    assert "invented" not in page
    assert re.findall(r'<option value="(a-sandbox|east)"( selected)?', page) == [("a-sandbox", ""), ("east", " selected")]
    other = shown(client, "?owner_id=a-sandbox")
    assert "you are viewer" in other
    assert "sandbox: invented certificates" in other
    assert "No certificates yet" in other


def test_a_superuser_looks_at_every_organisation(client: Client, east: Firm, west: Firm, moved) -> None:
    client.force_login(User.objects.create_superuser("root"))
    assert counted(shown(client, "?owner_id=east")) == of(moved, "active", "held")
    assert counted(shown(client, "?owner_id=west")) == {("2025-02", "hydro", "PA", "PJM-EIS GATS", "active"): 20}


# --- figures ----------------------------------------------------------------------------------------


def test_without_certificates_it_says_what_brings_them(person: Client) -> None:
    page = shown(person)
    assert "No certificates yet" in page
    for what in ("accounts", "generators", "issue"):
        assert f"POST /api/v1/rec/{what}" in page
    assert "<svg" not in page


def test_it_shows_what_the_organisation_has(person: Client, moved) -> None:
    assert counted(shown(person)) == of(moved, "active", "held")


def test_all_of_it(person: Client, moved) -> None:
    assert counted(shown(person, "?status=all")) == moved


def test_the_newest_vintage_comes_first_and_begins_with_a_line(person: Client, moved) -> None:
    page = shown(person, "?status=all")
    assert [row[0] for row in cells(page, "table")[1:-1]] == ["2025-02", "2025-02", "2024-12", "2024-12", "2024-11"]
    assert page.count('<tr class="day">') == 3


def test_who_has_nothing_left_is_led_to_what_was_retired(person: Client, east: Firm) -> None:
    issued(east, last=10)
    ledger.retire(key=key(), by=east.officer, account=east.main.pk, quantity=10, purpose=NOBODY)
    page = shown(person)
    assert "Nothing of what was asked for is active or held" in page
    assert 'href="?owner_id=east&amp;status=all">Show what was retired and exported, too' in page


def test_figures_count_every_status_whatever_is_shown(person: Client, moved) -> None:
    page = shown(person, "?status=retired&fuel_type=wind")
    figures = re.findall(r"<dt>(\w+)</dt><dd><a[^>]*>([\d,]+)</a>", page)
    assert figures == [("Active", "1,700"), ("Held", "0"), ("Retired", "200"), ("Exported", "100")]
    assert counted(page) == of(moved, "retired")


@pytest.mark.parametrize("status", ["active", "held", "retired", "exported"])
def test_by_status(person: Client, moved, status: str) -> None:
    assert counted(shown(person, f"?status={status}")) == of(moved, status)


@pytest.mark.parametrize(
    ("asked", "criteria"),
    [
        ("registry=gats", Criteria(registry="gats")),
        ("registry=PJM", Criteria(registry="gats")),
        ("fuel_type=solar", Criteria(fuel_type="solar")),
        ("state=nj", Criteria(state="NJ")),
        ("vintage_from=2024-12", Criteria(vintage_from=date(2024, 12, 1))),
        ("vintage_to=2024-12", Criteria(vintage_to=date(2024, 12, 1))),
        (
            "vintage_from=2024-12&vintage_to=2024-12&state=IA",
            Criteria(vintage_from=date(2024, 12, 1), vintage_to=date(2024, 12, 1), state="IA"),
        ),
        ("fuel_type=coal", Criteria(fuel_type="coal")),
    ],
)
def test_a_filter_is_the_apis(person: Client, east: Firm, moved, asked: str, criteria: Criteria) -> None:
    with seeing(east.trader):
        lines = queries.portfolio([east.organisation.pk], criteria=criteria)
    page = shown(person, f"?status=all&{asked}")
    found = sum(counted(page).values()) if 'id="table"' in page else 0
    assert found == sum(line.quantity_mwh for line in lines)


def test_what_matches_nothing_says_so_and_leads_back(person: Client, moved) -> None:
    page = shown(person, "?fuel_type=coal")
    assert "Nothing of what was asked for is active or held" in page
    assert 'id="table"' not in page
    assert 'href="?owner_id=east">show all that East has' in page
    assert '<option value="coal" selected>' in page


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("registry=narr", "Registry: &#x27;narr&#x27; is none of mrets"),
        ("vintage_from=March", "Vintage_from: &#x27;March&#x27; is not a month; write it as 2024-03"),
        ("vintage_to=2024-13", "Vintage_to: &#x27;2024-13&#x27; is not a month"),
        ("vintage_from=2025-01&vintage_to=2024-01", "The first vintage, 2025-01, is after the last, 2024-01"),
        ("status=gone", "Status: &#x27;gone&#x27; is none of"),
    ],
)
def test_what_cannot_be_understood_is_told_beside_the_page(person: Client, moved, asked: str, told: str) -> None:
    page = shown(person, f"?{asked}", status=400)
    assert told in page
    assert counted(page) == of(moved, "active", "held")


# --- the chart -----------------------------------------------------------------------------------------


def test_bars_are_as_high_as_their_certificates(person: Client, moved) -> None:
    page = shown(person)
    parts = re.findall(r'height="([\d.]+)" fill="url\(#p-(\w+)\)" class="segment"><title>([\d-]+), ([\w ]+): ([\d,]+) MWh', page)
    told = {(month, fuel): int(count.replace(",", "")) for _, _, month, fuel, count in parts}
    stacked: Counter[tuple[str, str]] = Counter()
    for (month, fuel, *_), count in of(moved, "active", "held").items():
        stacked[month, fuel] += count
    assert told == stacked
    unit = {round(float(height) / told[month, fuel], 2) for height, _, month, fuel, _ in parts if told[month, fuel] > 20}
    assert len(unit) == 1
    assert all(float(height) >= 1 for height, *_ in parts)


def test_a_month_without_certificates_keeps_its_place(person: Client, moved) -> None:
    assert re.findall(r'text-anchor="middle">([\d-]+)<', shown(person)) == ["2024-11", "2024-12", "2025-01", "2025-02"]


def test_each_fuel_has_a_pattern_of_its_own_and_a_sum(person: Client, moved) -> None:
    page = shown(person)
    patterns = re.findall(r'<pattern id="p-(\w+)".*?class="fill \w+"[^>]*/>(.*?)</pattern>', page)
    assert [name for name, _ in patterns] == ["wind", "solar", "hydro", "landfill_gas"]
    assert len({drawn for _, drawn in patterns}) == 4
    legend = [text(item) for item in re.findall(r"<li>(?:<svg.*?</svg>|all).*?</li>", page, re.DOTALL)]
    assert legend == ["wind 1,700", "solar 390", "hydro 30", "landfill gas 7", "all 2,127"]


def test_the_chart_says_in_words_what_it_shows(person: Client, moved) -> None:
    told = re.search(r'role="img" aria-label="([^"]+)"', shown(person))[1]
    assert told.startswith("Bar chart of 2,127 certificates from 2024-11 to 2025-02, most in 2024-12 with 1,490.")
    assert "landfill gas 7" in told


def test_many_years_are_drawn_by_year(person: Client, east: Firm, moved) -> None:
    old = generator(east, "Old", fuel="tidal", state="ME")
    issued(east, of=old, registry="nepool", base="OLD", vintage=date(2009, 5, 1), last=10)
    page = shown(person)
    assert re.findall(r"<title>(\d+), tidal: 10 MWh", page) == ["2009"]
    assert "by the year of generation" in page
    assert '<pattern id="p-spare0"' in page


# --- the page --------------------------------------------------------------------------------------------


def links(page: str) -> dict[str, str]:
    return {name: unescape(address) for address, name in re.findall(r'<a class="tool" href="([^"]+)" download>(\w+)</a>', page)}


@pytest.mark.parametrize("asked", ["", "?status=all", "?registry=gats&vintage_from=2024-12", "?fuel_type=wind&status=exported"])
def test_downloads_hold_what_the_page_shows(person: Client, moved, asked: str) -> None:
    page = shown(person, asked)
    found = links(page)
    assert list(found) == ["CSV", "Parquet", "Arrow", "JSON"]
    rows = person.get(found["JSON"]).json()["results"]
    kinds = {"mrets": "M-RETS", "gats": "PJM-EIS GATS"}
    told: Counter[tuple[str, str, str, str, str]] = Counter()
    for row in rows:
        told[row["vintage"], row["fuel_type"].replace("_", " "), row["state"], kinds[row["registry"]], row["status"]] += row["quantity_mwh"]
    assert told == counted(page)


def test_the_line_to_copy_is_the_csvs(person: Client, moved) -> None:
    page = shown(person, "?registry=gats")
    line = unescape(re.search(r'aria-label="curl line">(.*?)</pre>', page)[1])
    assert f"'http://testserver{links(page)['CSV']}'" in line
    assert '"Authorization: Bearer $ENERGYOPTI_KEY"' in line


def test_who_only_looks_after_the_installation_gets_no_files(client: Client, moved) -> None:
    client.force_login(User.objects.create_superuser("root"))
    page = shown(client, "?owner_id=east")
    assert not links(page)
    assert "Files are for members of East" in page


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(person: Client, moved) -> None:
    page = shown(person, "?status=all")
    assert not re.search(r"<script(?! src=\"/static/[\w./-]+\"( defer)?></script>)|<style|\sstyle=|\son\w+=", page)


def test_it_takes_few_queries_however_much_there_is(person: Client, east: Firm, moved) -> None:
    shown(person)
    first = Batch.objects.order_by("pk").values_list("pk", flat=True)[0]
    with queries_sent() as few:
        shown(person)
    other = east.account("other")
    moves = [
        ledger.Move(key=key(), kind="transfer", from_account=east.main.pk, to_account=other.pk, ranges=[SerialRange(first, serial, serial)])
        for serial in range(301, 701, 2)
    ]
    ledger.bulk(by=east.trader, moves=moves)
    with queries_sent() as many:
        shown(person)
    assert len(many) == len(few)
    assert len(many) <= 14


def test_the_navigation_leads_here(person: Client) -> None:
    assert '<a href="/recs/" aria-current="page">Certificates</a>' in shown(person)
    assert '<a href="/recs/" aria-current="true">Certificates</a>' in person.get("/recs/serial/").content.decode()


def test_organisations_are_not_told_of_each_other(person: Client, west: Firm, moved) -> None:
    issued(west, of=generator(west, "Mesa"), base="W", vintage=date(2024, 7, 1), last=99_999)
    page = shown(person, "?status=all")
    assert "2024-07" not in page
    assert Organisation.objects.count() == 2
