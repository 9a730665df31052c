"""A body of JSON, read strictly: what cannot be stored or understood in one way only is refused here, not somewhere inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from energyopti.api.echo import quoted
from energyopti.errors import InvalidInput

DEEPEST = 32  # lists and objects inside each other; the deepest body that an endpoint reads has five
_TOO_DEEP = f"it has more than {DEEPEST} lists and objects inside each other"


class BodyTooLarge(InvalidInput):
    code = "body-too-large"
    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is larger than {limit} bytes")


class StrictJSONParser(BaseParser):
    """Raises ParseError with the position, BodyTooLarge.

    Refused besides what is no JSON: a name that stands twice in an object, NaN, U+0000, half a surrogate pair, more
    than DEEPEST lists and objects inside each other.
    """

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body = _read(stream)
        try:
            data = json.loads(body.decode(), object_pairs_hook=_names_once, parse_constant=_no_number)
            _look_through(data)
        except RecursionError:
            raise ParseError(f"the body is not JSON that can be read: {_TOO_DEEP}") from None
        except UnicodeEncodeError:
            raise ParseError("the body holds half a surrogate pair, which is no character") from None
        except ValueError as problem:
            raise ParseError(f"the body is not JSON that can be read: {problem}") from None
        return data


def _read(stream: IO[bytes]) -> bytes:
    """DRF reads round Django's own limit (DATA_UPLOAD_MAX_MEMORY_SIZE), so it is kept here."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if not limit:
        return stream.read()
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge(limit)
    return body


def _names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"{quoted(name)} stands twice in one object")
            seen.add(name)
    return names


def _look_through(data: Any) -> None:
    """Level by level, without recursion. Raises ValueError, UnicodeEncodeError."""
    level = [data]
    for _ in range(DEEPEST + 1):
        if any(isinstance(value, str) and "\0" in value for value in level):
            raise ValueError("U+0000 is not allowed in a text")
        "".join(value for value in level if isinstance(value, str)).encode()  # \ud800 alone is JSON, but no text
        containers = [value for value in level if isinstance(value, dict | list)]
        level = [inner for value in containers for inner in _inside(value)]
    if containers:
        raise ValueError(_TOO_DEEP)


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return value if isinstance(value, list) else [*value, *value.values()]


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")
