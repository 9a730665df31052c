"""How figures are written in pages."""

from __future__ import annotations

from django import template

register = template.Library()
MINUS, ABSENT = "\N{MINUS SIGN}", "–"


@register.filter
def usd(price: float | None) -> str:
    """A price with two decimals and a real minus; a dash where there is none."""
    if price is None or price != price:
        return ABSENT
    text = f"{abs(price):,.2f}"
    return f"{MINUS}{text}" if price < 0 and text != "0.00" else text


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
