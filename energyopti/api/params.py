"""Query parameters: declared once by their endpoint, read and checked here, all faults told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.http import QueryDict

from energyopti.api.echo import quoted
from energyopti.errors import EnergyOptiError, InvalidInput, Several
from energyopti.intervals import parse_instant

LONGEST = 20_000  # characters of one value; a thousand node names fit
LONGEST_TIME = 40


class UnknownParameter(InvalidInput):
    """A parameter that the endpoint does not have: a typing error must not turn into a larger answer."""

    code = "unknown-parameter"


class MissingParameter(InvalidInput):
    code = "missing-parameter"


class Kind(StrEnum):
    """What a parameter's text is read as."""

    TEXT = "text"
    TEXTS = "texts"  # separated by commas: tuple[str, ...]
    INSTANT = "instant"  # ISO-8601 with an offset: aware UTC
    DAY = "day"  # a market day, a date: YYYY-MM-DD
    WHOLE = "whole"  # a whole number between `minimum` and `maximum`
    FLAG = "flag"  # true or false


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter, as the schema tells it. One that is not given is `default`."""

    name: str
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()
    kind: Kind = Kind.TEXT
    default: Any = None
    minimum: int | None = None
    maximum: int | None = None
    example: str = ""


def read(parameters: Sequence[Parameter], query: QueryDict) -> dict[str, Any]:
    """Every known name with its value. Raises the one fault, or Several."""
    faults: list[EnergyOptiError] = []
    known = {parameter.name: parameter for parameter in parameters}
    told = f"known are {', '.join(known)}" if known else "this endpoint takes none"
    faults += [UnknownParameter(f"unknown parameter {quoted(name)}; {told}", field=name) for name in query if name not in known]
    values: dict[str, Any] = {}
    for parameter in parameters:
        try:
            values[parameter.name] = _one(parameter, query)
        except EnergyOptiError as fault:
            faults.append(fault)
    if faults:
        raise faults[0] if len(faults) == 1 else Several(faults)
    return values


def _one(parameter: Parameter, query: Mapping[str, str] | QueryDict) -> Any:
    name = parameter.name
    if isinstance(query, QueryDict) and len(query.getlist(name)) > 1:
        raise InvalidInput(f"{name} stands {len(query.getlist(name))} times; write it once", field=name)
    text = query.get(name, "").strip()
    if not text:
        if parameter.required:
            raise MissingParameter(f"{name} is missing: {parameter.description}", field=name)
        return parameter.default
    if len(text) > LONGEST or "\0" in text:
        raise InvalidInput(f"{name} is longer than {LONGEST} characters, or holds a zero byte", field=name)
    return _READERS[parameter.kind](parameter, text)


def _text(parameter: Parameter, text: str) -> str:
    if parameter.choices and text not in parameter.choices:
        raise InvalidInput(f"{parameter.name} is {quoted(text)}; write one of {', '.join(parameter.choices)}", field=parameter.name)
    return text


def _texts(parameter: Parameter, text: str) -> tuple[str, ...]:
    items = tuple(dict.fromkeys(item.strip() for item in text.split(",") if item.strip()))
    if not items:
        raise InvalidInput(f"{parameter.name} names nothing", field=parameter.name)
    for item in items:
        _text(parameter, item)
    return items


def _day(parameter: Parameter, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{parameter.name} is {quoted(text)}; write a day as 2024-03-10", field=parameter.name) from None
    if not 1990 <= day.year <= 2199:  # local midnights must stay within what PostgreSQL, numpy and Python can all tell
        raise InvalidInput(f"{parameter.name} is {quoted(text)}; write a day between 1990 and 2199", field=parameter.name)
    return day


def _instant(parameter: Parameter, text: str) -> datetime:
    # a plus sign that was not escaped arrives as a blank; in a time nothing else could be meant
    return read_instant(text.replace(" ", "+") if text[-6:-5] == " " else text, field=parameter.name)


def read_instant(text: str, *, field: str) -> datetime:
    """A time that somebody typed, in a parameter or a body. Raises NaiveTime, InvalidInput."""
    try:
        instant = parse_instant(text, field=field) if len(text) <= LONGEST_TIME else None
    except OverflowError:
        instant = None
    if instant is None or not 1990 <= instant.year <= 2199:
        raise InvalidInput(f"{field} is {quoted(text)}; write a time between 1990 and 2199", field=field)
    return instant


def _whole(parameter: Parameter, text: str) -> int:
    low, high = parameter.minimum, parameter.maximum
    number = int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19 else None
    if number is None or (low is not None and number < low) or (high is not None and number > high):
        bounds = f" between {low} and {high}" if low is not None and high is not None else ""
        raise InvalidInput(f"{parameter.name} is {quoted(text)}; write a whole number{bounds}", field=parameter.name)
    return number


def _flag(parameter: Parameter, text: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidInput(f"{parameter.name} is {quoted(text)}; write true or false", field=parameter.name)
    return text == "true"


_READERS = {
    Kind.TEXT: _text,
    Kind.TEXTS: _texts,
    Kind.INSTANT: _instant,
    Kind.DAY: _day,
    Kind.WHOLE: _whole,
    Kind.FLAG: _flag,
}
