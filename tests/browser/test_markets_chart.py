"""The markets page in a browser: the chart has ink, the search and the zoom work by keyboard, gaps are gaps."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open
from tests.markets import prices, world

INK = """(canvas, [left, right, colour]) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const drawn = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  let found = 0;
  for (let y = 0; y < canvas.height; y++) for (let x = Math.round(left * canvas.width); x < right * canvas.width; x++) {
    const at = 4 * (y * canvas.width + x);
    if (drawn[at + 3] > 200 && colour.every((value, i) => Math.abs(drawn[at + i] - value) < 24)) found++;
  }
  return found;
}"""
DAY_AHEAD, REAL_TIME, UP, ENERGY = [10, 98, 168], [194, 65, 12], [23, 102, 58], [77, 124, 15]  # the light theme's colours
MARKETS = ("day-ahead", "real-time")
AXIS, AIR = 48, 18  # pixels left and right of the plot


@pytest.fixture(autouse=True)
def market(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = prices.at_clock(monkeypatch, datetime(2024, 11, 7, tzinfo=UTC))
    world.nodes()
    world.prices()
    clock.now = datetime(2024, 11, 9, tzinfo=UTC)
    world.restate()


def chart(page: Page) -> Locator:
    figure = page.locator("[data-chart][data-state=revised]")
    expect(figure).to_be_attached()
    return figure


def ink(page: Page, colour: list[int], *, plot: int = 0, hours: tuple[float, float] = (0, 24), of: float = 24) -> int:
    """How many pixels of the plot over some hours of the day have a colour."""
    canvas = page.locator(".uplot canvas").nth(plot)
    width = canvas.evaluate("canvas => canvas.width")
    left, right = ((AXIS + hour / of * (width - AXIS - AIR)) / width for hour in hours)
    return int(canvas.evaluate(INK, [left, right, colour]))


def labels(page: Page) -> list[str]:
    return (chart(page).get_attribute("data-axis") or "").split("|")


def test_both_markets_and_their_spread_are_drawn(open_page: Open, keep: Callable[[Page, str], None]) -> None:
    page = open_page("/markets/")
    chart(page)
    assert ink(page, DAY_AHEAD) > 500
    assert ink(page, REAL_TIME) > 500
    assert ink(page, UP, plot=1) > 5_000


def test_a_missing_hour_is_a_gap(open_page: Open) -> None:
    page = open_page("/markets/")
    chart(page)
    missing = (world.MISSING + 0.15, world.MISSING + 0.85)
    assert ink(page, REAL_TIME, hours=missing) == 0
    assert ink(page, UP, plot=1, hours=missing) == 0
    assert ink(page, DAY_AHEAD, hours=missing) > 10
    assert ink(page, REAL_TIME, hours=(world.MISSING + 1.15, world.MISSING + 1.85)) > 10


def test_a_missing_stretch_of_five_minute_prices_is_a_gap(open_page: Open, keep: Callable[[Page, str], None]) -> None:
    page = open_page("/markets/?resolution=5min")
    chart(page)
    first, last = world.FIVE_MINUTES_MISSING[0] / 12, world.FIVE_MINUTES_MISSING[-1] / 12
    assert ink(page, REAL_TIME, hours=(first + 0.1, last)) == 0
    assert ink(page, REAL_TIME, hours=(last + 0.3, 24)) > 100
    keep(page, "markets-5min")


@pytest.mark.parametrize(
    ("day", "hours", "around"),
    [
        ("2024-03-10", 23, ["01:00", "03:00", "04:00"]),
        ("2024-11-03", 25, ["00:00 3 Nov", "01:00 EDT", "01:00 EST", "02:00"]),
        ("2024-11-05", 24, ["01:00", "02:00", "03:00"]),
    ],
)
def test_the_axis_shows_the_markets_clock(
    open_page: Open, keep: Callable[[Page, str], None], day: str, hours: int, around: list[str]
) -> None:
    page = open_page(f"/markets/?start={day}&end={day}")
    found = labels(page)
    keep(page, f"markets-{day}")
    assert len(found) == hours + 1  # and the midnight at which the day ends
    assert [text for text in found if text in around] == around
    assert ("02:00" in found) == (hours != 23)


def test_a_restated_price_has_a_ring_and_says_what_it_was(open_page: Open) -> None:
    page = open_page("/markets/")
    assert chart(page).get_attribute("data-rings") == "1"
    page.locator("[data-plots]").focus()
    for _ in range(world.RESTATED + 1):
        page.keyboard.press("ArrowRight")
    readout = page.locator("[data-readout]")
    expect(readout).to_contain_text("Tue 5 Nov 10:00 EST")
    expect(readout).to_contain_text("real-time v2, was 35.00")
    expect(readout).to_contain_text("DART −59.50")


def test_as_of_draws_what_was_known_then(open_page: Open) -> None:
    page = open_page("/markets/?as_of=2024-11-08T00:00:00Z")
    assert chart(page).get_attribute("data-rings") == "0"


def view(page: Page) -> list[float]:
    return [float(edge) for edge in (chart(page).get_attribute("data-view") or "").split("/")]


def test_zoom_and_reset_work_by_keyboard_and_stand_in_the_address(open_page: Open) -> None:
    page = open_page("/markets/")
    chart(page)
    page.locator("[data-plots]").focus()
    page.keyboard.press("+")
    assert view(page) == [world.COMMON.start.timestamp() + 6 * 3600, world.COMMON.start.timestamp() + 18 * 3600]
    assert labels(page)[0] == "06:00 5 Nov"
    assert "zoom=2024-11-05T11%3A00Z%2F2024-11-05T23%3A00Z" in page.url
    page.keyboard.press("Shift+ArrowRight")
    assert view(page)[1] == world.COMMON.end.timestamp()
    page.reload()
    assert labels(page)[0] == "12:00 5 Nov"
    page.locator("[data-plots]").focus()
    page.keyboard.press("0")
    assert "zoom" not in page.url
    assert (labels(page)[0], labels(page)[-1]) == ("00:00 5 Nov", "00:00 6 Nov")


def test_dragging_zooms_and_a_double_click_shows_all(open_page: Open) -> None:
    page = open_page("/markets/")
    chart(page)
    box = page.locator(".uplot .u-over").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 110, steps=5)
    page.mouse.up()
    start = world.COMMON.start.timestamp()
    assert [round((edge - start) / 3600, 1) for edge in view(page)] == [pytest.approx(6, abs=0.2), pytest.approx(12, abs=0.2)]
    page.locator(".uplot .u-over").first.dblclick()
    assert view(page) == [start, world.COMMON.end.timestamp()]


def test_buttons_zoom_too(open_page: Open) -> None:
    page = open_page("/markets/")
    chart(page)
    page.get_by_role("button", name="Zoom in").click()
    assert (labels(page)[0], labels(page)[-1]) == ("06:00 5 Nov", "18:00")
    page.get_by_role("button", name="Whole window").click()
    assert (labels(page)[0], labels(page)[-1]) == ("00:00 5 Nov", "00:00 6 Nov")


def test_components_are_switched_and_stacked(open_page: Open, keep: Callable[[Page, str], None]) -> None:
    page = open_page("/markets/")
    chart(page)
    assert ink(page, ENERGY) == 0
    page.get_by_label("Energy").check()
    assert ink(page, ENERGY) > 300
    page.get_by_label("Drawn as").select_option("real_time")
    assert ink(page, ENERGY) > 10_000
    assert "show=lmp%2Cenergy" in page.url
    assert "draw=real_time" in page.url
    keep(page, "markets-stacked")
    assert "draw=real_time" in (page.get_by_role("link", name="Week").get_attribute("href") or "")


def test_one_market_stays_switched_on(open_page: Open) -> None:
    page = open_page("/markets/?markets=real_time")
    chart(page)
    assert ink(page, DAY_AHEAD) == 0
    page.get_by_label("Real-time", exact=True).click()
    expect(page.get_by_label("Real-time", exact=True)).to_be_checked()
    assert ink(page, REAL_TIME) > 500


def test_without_scripts_the_form_and_the_table_work(open_page: Open) -> None:
    page = open_page("/markets/", script=False)
    page.get_by_label("Node, by name or id").fill("AECO")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("AECO")
    expect(page.get_by_role("region", name="Figures").locator("tbody tr")).to_have_count(24)


def test_a_zone_of_the_heat_map_leads_to_its_chart(open_page: Open) -> None:
    page = open_page("/markets/?start=2024-11-03")
    chart(page)  # who leaves before it is drawn breaks its questions off, and the browser complains
    page.get_by_role("region", name="Zones by hour").get_by_role("link", name="PECO").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("PECO")
    assert "01:00 EST" in labels(page)


def test_a_download_is_the_windows_csv(open_page: Open) -> None:
    page = open_page("/markets/")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").first.click()
    heading, *rows = csv.reader(download.value.path().read_text().splitlines())
    assert heading[:3] == ["node_id", "node_name", "market_type"]
    assert [row[heading.index("lmp_usd_per_mwh")] for row in rows[:2]] == ["30", "31"]
    assert len(rows) == 24


def test_a_reading_is_spoken_to_the_keyboard_and_not_to_the_mouse(open_page: Open) -> None:
    page = open_page("/markets/")
    chart(page)
    readout = page.locator("[data-readout]")
    page.locator("[data-plots]").focus()
    page.keyboard.press("ArrowRight")
    expect(readout).to_have_attribute("aria-live", "polite")
    page.locator(".uplot .u-over").first.hover()
    expect(readout).to_have_attribute("aria-live", "off")


def test_each_reading_is_the_apis_figure(open_page: Open) -> None:
    page = open_page("/markets/?start=2024-11-03&show=lmp,energy,congestion,loss")
    figure = chart(page)
    told = {name: page.request.get(served_at(page) + (figure.get_attribute(f"data-{name}") or "")).json()["columns"] for name in MARKETS}
    page.locator("[data-plots]").focus()
    fields = {
        "": "lmp_usd_per_mwh",
        " energy": "energy_usd_per_mwh",
        " congestion": "congestion_usd_per_mwh",
        " losses": "loss_usd_per_mwh",
    }
    for slot in range(25):
        page.keyboard.press("ArrowRight")
        reading = page.locator("[data-readout]").inner_text()
        for market in MARKETS:
            for part, field in fields.items():
                price = f"{told[market][field][slot]:.2f}".replace("-", "\N{MINUS SIGN}")
                assert f"{market}{part} {price}" in reading


def test_a_failure_to_load_the_marks_is_told(open_page: Open, complaints: list[str]) -> None:
    page = open_page("/status/")
    page.route("**/lmp/revisions**", lambda route: route.fulfill(status=503, json={"detail": "away"}))
    page.goto(served_at(page) + "/markets/")
    chart(page)
    expect(page.locator("[data-readout]")).to_contain_text("The marks of restated prices could not be loaded.")
    complaints[:] = [one for one in complaints if "503" not in one]


def test_paper_says_which_line_is_which(open_page: Open) -> None:
    page = open_page("/markets/")
    chart(page)
    line = page.locator(".legend li", has_text="Day-ahead").first
    expect(line).to_be_hidden()
    page.emulate_media(media="print")
    expect(line).to_be_visible()


def test_without_scripts_no_room_is_kept_for_the_chart(open_page: Open) -> None:
    page = open_page("/markets/", script=False)
    expect(page.locator("[data-plots]")).to_be_hidden()
    expect(page.get_by_label("Energy", exact=True)).to_be_hidden()


def served_at(page: Page) -> str:
    return "/".join(page.url.split("/")[:3])
