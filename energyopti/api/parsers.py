"""A body of JSON, read strictly: what cannot be stored or understood in one way only is refused here, not somewhere inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from energyopti.errors import InvalidInput


class BodyTooLarge(InvalidInput):
    code = "body-too-large"
    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is larger than {limit} bytes")


class StrictJSONParser(BaseParser):
    """Raises ParseError with the position, BodyTooLarge.

    Refused besides what is no JSON: a name that stands twice in an object, NaN, U+0000, half a surrogate pair.
    """

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body = _read(stream)
        try:
            text = body.decode()
            if "\\u0000" in text or "\0" in text:
                raise ValueError("U+0000 is not allowed in a text")
            data = json.loads(text, object_pairs_hook=_names_once, parse_constant=_no_number)
            json.dumps(data, ensure_ascii=False).encode()  # \ud800 alone is JSON, but no text
        except RecursionError:
            raise ParseError("the body is nested too deeply") from None
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
        twice = next(name for index, (name, _) in enumerate(pairs) if name in dict(pairs[:index]))
        raise ValueError(f"{twice!r} stands twice in one object")
    return names


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")
