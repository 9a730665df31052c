"""Whole certificates and whole cents, of what callers send."""

from __future__ import annotations

from decimal import Decimal

from recs.errors import BadAmount, BadQuantity, FloatInLedger, QuantityTooLarge

LARGEST = 2**63 - 1
LARGEST_SERIAL = LARGEST - 1  # the range type keeps the number after it
CENT = Decimal("0.01")


def whole(number: object, *, field: str, least: int = 1) -> int:
    """Raises FloatInLedger, BadQuantity, QuantityTooLarge."""
    if isinstance(number, float | Decimal):
        raise FloatInLedger("certificates are counted in whole numbers: send an integer", field=field)
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise BadQuantity(f"this is a whole number of at least {least}", field=field)
    if number > LARGEST:
        raise QuantityTooLarge(f"this is at most {LARGEST}", field=field)
    return number


def cents_of(amount_usd: Decimal | None, *, field: str = "price_usd") -> int | None:
    """Whole cents. Raises FloatInLedger, BadAmount."""
    if amount_usd is None:
        return None
    if not isinstance(amount_usd, Decimal | int) or isinstance(amount_usd, bool):
        raise FloatInLedger("money is exact: send a decimal number as a string", field=field)
    amount = Decimal(amount_usd)
    if not amount.is_finite() or not 0 <= amount <= LARGEST // 100 or amount != amount.quantize(CENT):
        raise BadAmount("an amount in US dollars is not negative and has at most two decimals", field=field)
    return int(amount.quantize(CENT).scaleb(2))
