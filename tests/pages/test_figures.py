"""How figures and timetables are written."""

from __future__ import annotations

import pytest

from energyopti.pages.templatetags.energy import cadence, usd


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (0.125, "0.13"),  # a half that floats hold exactly: the chart's script rounds it up, too
        (2.375, "2.38"),
        (-0.125, "−0.13"),
        (-0.001, "0.00"),
        (1234.5, "1,234.50"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_prices(price: float | None, text: str) -> None:
    assert usd(price) == text


@pytest.mark.parametrize(
    ("crontab", "words"),
    [
        ("15 6 * * *", "at 06:15"),
        ("10 11,13 * * *", "at 11:10 and 13:10"),
        ("40 13,15,18 * * *", "at 13:40, 15:40 and 18:40"),
        ("*/5 * * * *", "every 5 minutes"),
        ("0 12 * * 1", "0 12 * * 1"),
        ("0 */2 * * *", "0 */2 * * *"),
    ],
)
def test_timetables(crontab: str, words: str) -> None:
    assert cadence(crontab) == words
