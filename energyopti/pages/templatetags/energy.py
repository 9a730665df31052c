"""How figures are written in pages."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django import template

register = template.Library()
MINUS, ABSENT = "\N{MINUS SIGN}", "–"
CENT = Decimal("0.01")


@register.filter
def usd(price: float | None) -> str:
    """A price with two decimals and a real minus; a dash where there is none. Halves are rounded up, as the chart's script does."""
    if price is None or price != price:
        return ABSENT
    text = f"{Decimal(abs(price)).quantize(CENT, ROUND_HALF_UP):,}"
    return f"{MINUS}{text}" if price < 0 and text != "0.00" else text


@register.filter
def count(number: int) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,}"


@register.filter
def direction(price: float | None) -> str:
    """The class of a signed figure: up, down, or none."""
    return "" if not price or price != price else "up" if price > 0 else "down"


@register.filter
def percent(share: float | None) -> str:
    """A share with at most one decimal. Only what is whole is 100 %: 99.97 % is not rounded up to it."""
    if share is None:
        return ABSENT
    return "100 %" if share == 1 else f"{min(share * 100, 99.9):.1f} %"


@register.filter
def cadence(crontab: str) -> str:
    """A feed's timetable in words: "at 13:40, 15:40 and 18:40"; as it stands where it is none of the usual ones."""
    minute, hour, *days = crontab.split()
    if days != ["*"] * 3:
        return crontab
    if hour == "*" and minute.startswith("*/") and minute[2:].isdigit():
        return f"every {minute[2:]} minutes"
    hours = hour.split(",")
    if not minute.isdigit() or not all(one.isdigit() for one in hours):
        return crontab
    times = [f"{int(one):02}:{int(minute):02}" for one in hours]
    return f"at {' and '.join(filter(None, [', '.join(times[:-1]), times[-1]]))}"
