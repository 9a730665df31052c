"""Table endpoints: rows in pages or columns as JSON, or the whole window as CSV, Parquet or Arrow.

An endpoint declares its parameters and columns and gives an Answer; all else is here: formats, paging, fields, the
market's clock, conditional requests, streaming.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo

import orjson
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from energyopti.api import cursor, formats, throttles
from energyopti.api.base import Endpoint, Meta
from energyopti.api.bodies import Body, Choice, read
from energyopti.api.columns import Chunk, Column, Kind, cut, rows_in
from energyopti.api.echo import cut as cut_text
from energyopti.api.formats import text
from energyopti.api.params import Kind as Given
from energyopti.api.params import Parameter
from energyopti.api.stream import read_ahead, streamed
from energyopti.errors import InvalidInput

MOST = {"rows": 10_000, "columns": 100_000}
READS = ("GET", "HEAD", "OPTIONS")
VERSION = "1"  # of the encoders: a change of what the same rows look like changes it, and with it each ETag
LOCAL = Column("interval_start_local", Kind.LOCAL, "interval_start on the market's own clocks", example="2024-03-10T03:00:00-04:00")

COMMON = (
    Parameter(
        "limit",
        "rows of a JSON page; at most 10000, with layout=columns 100000",
        kind=Given.WHOLE,
        default=1000,
        minimum=1,
        maximum=100_000,
    ),
    Parameter("cursor", "where the next page begins: take it from `next`"),
    Parameter("layout", "JSON as one object a row, or as one list a field", choices=("rows", "columns"), default="rows"),
    Parameter("fields", "only these fields, separated by commas, in this order", kind=Given.TEXTS),
    Parameter("format", "instead of the Accept header; csv, parquet and arrow hold the whole window", choices=tuple(formats.FORMATS)),
    Parameter("tz", "market adds interval_start_local", choices=("utc", "market"), default="utc"),
)


class Answer(Protocol):
    """A question that was understood. It reads when it is asked to."""

    @property
    def columns(self) -> Sequence[Column]:
        """Every field a row can have, in order."""

    @property
    def key(self) -> tuple[str, ...]:
        """The fields that order the rows and together come once."""

    @property
    def zone(self) -> ZoneInfo | None:
        """The market's."""

    @property
    def name(self) -> str:
        """Of a downloaded file, without its suffix."""

    @property
    def max_age(self) -> int:
        """Seconds."""

    def stamp(self) -> str:
        """Cheap; changes whenever anything in the answer would."""

    def meta(self) -> Meta: ...

    def chunks(self, *, after: cursor.Key | None, at_most: int | None, fields: frozenset[str]) -> Iterator[Chunk]:
        """Rows in the order of the key, behind `after`, in bounded pieces.

        `at_most`: nobody will look at more rows (more may come). `fields`: what will be looked at. Between two chunks no
        cursor stays open: each may be read in another thread, on another connection.
        """


class AnyFormat(DefaultContentNegotiation):
    """DRF renders problems alone; which format an answer has is chosen by `formats.chosen`."""

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class TableEndpoint(Endpoint):
    content_negotiation_class = AnyFormat
    columns: ClassVar[tuple[Column, ...]]

    @classmethod
    def all_parameters(cls) -> tuple[Parameter, ...]:
        return (*cls.parameters, *COMMON)

    @classmethod
    def parameters_of(cls, method: str) -> tuple[Parameter, ...]:
        """They say which rows, and how they are told: what writes at the same address takes none of that."""
        return cls.all_parameters() if method in READS else ()

    def answer(self, asked: dict[str, Any]) -> Answer:
        """What the parameters ask for. Raises the InvalidInput family."""
        raise NotImplementedError

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = self.asked
        form = formats.chosen(request, asked["format"])
        answer = self.answer(asked)
        shown = _shown(answer, asked["fields"], market_time=asked["tz"] == "market")
        etag = _etag(answer, form, request)
        conditional = get_conditional_response(request._request, etag=etag)
        if conditional is not None:
            return _kept(conditional, answer, etag)
        if form == "json":
            return _kept(_page(answer, shown, asked, request), answer, etag)
        return _kept(_download(answer, shown, form, whole=request.method != "HEAD"), answer, etag)


class HowTold(Body):
    """How the rows of a posted table are told: as in the address of others, which has `fields` too."""

    limit = serializers.IntegerField(required=False, min_value=1, max_value=100_000, help_text=COMMON[0].description)
    cursor = serializers.CharField(required=False, help_text=COMMON[1].description)
    layout = Choice(["rows", "columns"], required=False, help_text=COMMON[2].description)
    format = Choice(list(formats.FORMATS), required=False, help_text=COMMON[4].description)


class PostedTable(TableEndpoint):
    """A table whose question stands in a body: a POST that reads. How the rows are told may stand there too, or in the
    address, as it does in `next`: the same body is sent there again."""

    reads_only = True
    http_method_names = ["post", "options"]
    body: ClassVar[type[Body]]

    @classmethod
    def parameters_of(cls, method: str) -> tuple[Parameter, ...]:
        return cls.all_parameters()

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        given = read(self.body, request.data)
        if self.asked["cursor"]:  # of `next`, to which the body is sent again as it was
            given["cursor"] = self.asked["cursor"]
        for name in request.query_params:
            if name in self.body().fields and name in request.data and name != "cursor":
                raise InvalidInput(f"{name} stands in the address and in the body; write it once", field=name)
        asked = self.asked | given
        form = formats.chosen(request, asked["format"])
        if form != "json":
            throttles.spend_on_stream(request)
        answer = self.answer(asked)
        shown = _shown(answer, asked["fields"], market_time=asked["tz"] == "market")
        told = _page(answer, shown, asked, request) if form == "json" else _download(answer, shown, form, whole=True)
        told["Cache-Control"] = "private, no-store"
        return told


def _shown(answer: Answer, fields: Sequence[str] | None, *, market_time: bool) -> list[Column]:
    columns = {column.name: column for column in answer.columns}
    if market_time:
        if answer.zone is None or "interval_start" not in columns:
            raise InvalidInput("these rows have no interval on a market's clock; leave tz out", field="tz")
        place = list(columns).index("interval_start") + 1
        columns = {column.name: column for column in (*answer.columns[:place], LOCAL, *answer.columns[place:])}
    unknown = [name for name in fields or () if name not in columns]
    if unknown:
        raise InvalidInput(f"no field is called {cut_text(', '.join(unknown))}; there are {', '.join(columns)}", field="fields")
    return [columns[name] for name in fields or columns]


def _etag(answer: Answer, form: str, request: Request) -> str:
    """Of what would be read, of the question, and of who asks: taken before reading, so it is never newer than the answer."""
    question = "&".join(f"{name}={value}" for name, value in sorted(request.query_params.items()))
    told = "\n".join((VERSION, form, request.path, question, answer.stamp()))
    return f'W/"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


def _kept(response: HttpResponseBase, answer: Answer, etag: str) -> HttpResponseBase:
    response["ETag"] = etag
    response["Cache-Control"] = f"private, max-age={answer.max_age}"
    patch_vary_headers(response, ["Accept", "Authorization", "Cookie"])
    return response


def _page(answer: Answer, shown: Sequence[Column], asked: dict[str, Any], request: Request) -> HttpResponse:
    limit, layout = asked["limit"], asked["layout"]
    if limit > MOST[layout]:
        raise InvalidInput(f"limit is {limit}; at most {MOST[layout]} with layout={layout}", field="limit")
    chunks, more = _read(answer, shown, limit, asked["cursor"])
    body: dict[str, Any]
    if layout == "columns":
        body = {"columns": text.columns_body(shown, chunks, answer.zone)}
    else:
        body = {"results": text.rows_body(shown, chunks, answer.zone)}
    key = [column for name in answer.key for column in answer.columns if column.name == name]
    body["next"] = _next(request, cursor.encode(cursor.of_last_row(key, chunks[-1]))) if more else None
    body["meta"] = answer.meta().told()
    return HttpResponse(text.dumps(body), content_type="application/json")


def _read(answer: Answer, shown: Sequence[Column], limit: int, after: str | None) -> tuple[list[Chunk], bool]:
    """A page's chunks, and whether rows follow it."""
    key = [column for name in answer.key for column in answer.columns if column.name == name]
    start = cursor.decode(key, after) if after else None
    chunks: list[Chunk] = []
    rows = 0
    for chunk in answer.chunks(after=start, at_most=limit + 1, fields=_read_fields(answer, shown)):
        chunks.append(cut(chunk, limit - rows))
        rows += rows_in(chunk)
        if rows > limit:
            break
    return _with_local([chunk for chunk in chunks if rows_in(chunk)], shown), rows > limit


def _read_fields(answer: Answer, shown: Sequence[Column]) -> frozenset[str]:
    names = {column.name for column in shown if column is not LOCAL} | set(answer.key)
    return frozenset(names | ({"interval_start"} if LOCAL in shown else set()))


def _with_local(chunks: Iterable[Chunk], shown: Sequence[Column]) -> list[Chunk]:
    return [_localised(chunk, shown) for chunk in chunks]


def _localised(chunk: Chunk, shown: Sequence[Column]) -> Chunk:
    return {**chunk, LOCAL.name: chunk["interval_start"]} if LOCAL in shown else chunk


def _next(request: Request, position: str) -> str:
    query = request.query_params.copy()
    query["cursor"] = position
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _download(answer: Answer, shown: Sequence[Column], form: str, *, whole: bool) -> HttpResponseBase:
    """The whole window."""
    from energyopti.api.formats import arrow  # heavy: a web process that is never asked for it does not load it

    chunks = read_ahead(answer.chunks(after=None, at_most=None, fields=_read_fields(answer, shown))) if whole else iter(())
    about = {name: _plain(value) for name, value in answer.meta().told().items() if value is not None}
    headers = {f"X-EnergyOpti-{name.replace('_', '-').title()}": value for name, value in about.items() if name != "licence"}
    headers["Content-Disposition"] = f'attachment; filename="{answer.name}.{formats.SUFFIX[form]}"'
    if not whole:
        return HttpResponse(content_type=formats.FORMATS[form], headers=headers)
    pieces = arrow.encoded(form, shown, (_localised(chunk, shown) for chunk in chunks), zone=answer.zone, about=about)
    return StreamingHttpResponse(streamed(pieces), content_type=formats.FORMATS[form], headers=headers)


def _plain(value: Any) -> str:
    told = orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC).decode()
    return told.strip('"').encode("ascii", "ignore").decode()
