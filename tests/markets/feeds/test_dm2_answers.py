"""Pages, refusals and metadata as Data Miner 2 answers them."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energyopti.errors import MalformedAnswer, StructureChanged
from markets.feeds.dm2_answers import cutoff_days, parse, refusal

from .samples import HOURLY, hourly, page

# PJM's guide quotes these six; the file ../shared/data/pjm/dm2_json/error_bodies_from_pjm_guide.json holds them word for word.
DOCUMENTED = [
    ("Filters", "A datetime is missing. Please input values for datetime_beginning_ept or datetime_beginning_utc", ["datetime_filter"]),
    (
        "Filters",
        "Date range in the API request spans over archived and standard data. Please update the request. Refer to API Guide.",
        None,
    ),
    ("Filters", "Archived data date range must be within same calendar year. Please enter valid dates", None),
    ("Order", "Custom Order is not an available option on archived data. Please remove order from the request", None),
    ("Sort", "Custom Sort is not an available option on archived data. Please remove sort from the request", ["datetime_beginning_utc"]),
    (
        "Filters",
        "The API request contains invalid attribute(s) for archived data - Pnode_Id. Please update the request and retry.",
        ["pnode_id"],
    ),
]


def test_an_envelope_tells_its_rows_and_the_rows_of_all_pages():
    read = parse(HOURLY, page([hourly(), hourly(pnode_id=900002)], total=325_176), {})
    assert (read.rows, read.total_rows, read.table["pnode_id"].tolist()) == (2, 325_176, [900001, 900002])


@pytest.mark.parametrize(
    ("headers", "total"), [({}, 1), ({"X-TotalRows": "40"}, 40), ({"x-totalrows": "40"}, 40), ({"X-TotalRows": ""}, 1)]
)
def test_a_bare_array_has_its_total_in_a_header_or_is_all_there_is(headers, total):
    read = parse(HOURLY, json.dumps([hourly()]).encode(), headers)
    assert (read.rows, read.total_rows) == (1, total)


def test_an_empty_page_is_a_page():
    read = parse(HOURLY, page([]), {})
    assert (read.rows, read.total_rows, len(read.table)) == (0, 0, 0)


def test_a_byte_order_mark_does_no_harm():
    assert parse(HOURLY, b"\xef\xbb\xbf" + page([hourly()]), {}).rows == 1


@pytest.mark.parametrize(
    "body", [page([hourly()])[:-40], page([hourly()])[:-1], b"", b"[", b'{"items": [NaN], "totalRows": 1}', b"\xff\xfe"]
)
def test_a_body_that_is_not_whole_json_is_named(body):
    with pytest.raises(MalformedAnswer, match=r"^pjm\.rt_hrl_lmps: the answer is not whole JSON"):
        parse(HOURLY, body, {})


@pytest.mark.parametrize("body", [b'{"totalRows": 1}', b'{"items": []}', b'{"items": {}, "totalRows": 0}', b'"words"', b"7"])
def test_json_that_is_no_page_is_named(body):
    with pytest.raises(MalformedAnswer, match=r"^pjm\.rt_hrl_lmps: the answer is not a page of rows"):
        parse(HOURLY, body, {})


def test_a_renamed_column_is_named_with_its_old_name():
    row = {"value" if name == "total_lmp_rt" else name: value for name, value in hourly().items()}
    with pytest.raises(StructureChanged) as refused:
        parse(HOURLY, page([row]), {})
    assert refused.value.detail.startswith(
        "pjm.rt_hrl_lmps: other columns than declared: missing total_lmp_rt; unknown 'value' (was total_lmp_rt renamed to 'value'?); "
        "expected datetime_beginning_utc, datetime_beginning_ept, pnode_id"
    )
    assert refused.value.field == "total_lmp_rt"


def test_every_missing_and_every_unknown_column_is_named():
    row = hourly(one=1, two=2)
    del row["zone"], row["voltage"], row["equipment"]
    with pytest.raises(StructureChanged, match="missing voltage, equipment, zone; unknown 'one', 'two'; expected"):
        parse(HOURLY, page([row]), {})


def test_one_row_of_another_structure_is_enough():
    with pytest.raises(StructureChanged, match="unknown 'surprise'"):
        parse(HOURLY, page([hourly(), hourly(surprise=1)]), {})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"total_lmp_rt": "n/a"}, "total_lmp_rt"),
        ({"pnode_id": None}, "pnode_id"),
        ({"pnode_id": 0}, "pnode_id"),
        ({"pnode_id": 2**63}, "pnode_id"),
        ({"version_nbr": 40_000}, "version_nbr"),
        ({"row_is_current": "maybe"}, "row_is_current"),
        ({"pnode_name": None}, "pnode_name"),
    ],
)
def test_a_bad_value_rejects_its_row_and_no_other(changes, field):
    read = parse(HOURLY, page([hourly(), hourly(pnode_id=900002) | changes, hourly(pnode_id=900003)]), {})
    assert (read.rows, read.table["pnode_id"].tolist()) == (3, [900001, 900003])
    assert [(reject.row, reject.code, reject.field) for reject in read.table.rejects] == [(2, "bad-value", field)]


def test_a_number_too_large_for_a_float_rejects_its_row():
    body = page([hourly(), hourly(pnode_id=900002, total_lmp_rt=777.0)]).replace(b"777.0", b"1e999")
    read = parse(HOURLY, body, {})
    assert (len(read.table), [reject.field for reject in read.table.rejects]) == (1, ["total_lmp_rt"])


def test_an_item_that_is_no_object_is_rejected():
    read = parse(HOURLY, b'{"items": [17], "totalRows": 1}', {})
    assert [(reject.row, reject.raw, reject.code) for reject in read.table.rejects] == [(1, "17", "bad-value")]


def test_a_rejected_row_is_kept_letter_by_letter_and_by_its_number_on_the_page():
    bad = hourly(pnode_id=None)
    late = hourly(datetime_beginning_ept="2024-07-01T01:00:00")
    body = page([bad, hourly(), late]).replace(b"31.5", b"31.500000")
    read = parse(HOURLY, body, {})
    assert [(reject.row, reject.code) for reject in read.table.rejects] == [(1, "bad-value"), (3, "times-disagree")]
    assert read.table.rejects[1].raw == json.dumps(late).replace("31.5", "31.500000")


hours = st.integers(
    min_value=int(datetime(2010, 1, 1, tzinfo=UTC).timestamp()) // 3600, max_value=int(datetime(2030, 1, 1, tzinfo=UTC).timestamp()) // 3600
)
texts = st.text(alphabet='AZ 09"\\é', max_size=12)
prices = st.none() | st.floats(min_value=-5000, max_value=5000).map(lambda price: round(price, 6))


@st.composite
def hourly_rows(draw):
    moment = datetime.fromtimestamp(draw(hours) * 3600, UTC)
    return hourly(
        datetime_beginning_utc=moment.replace(tzinfo=None).isoformat(),
        datetime_beginning_ept=moment.astimezone(HOURLY.zone).replace(tzinfo=None).isoformat(),
        pnode_id=draw(st.integers(1, 2**63 - 1)),
        pnode_name=draw(texts),
        zone=draw(st.none() | texts),
        total_lmp_rt=draw(prices),
        congestion_price_rt=draw(prices),
        version_nbr=draw(st.integers(1, 9)),
    )


@given(rows=st.lists(hourly_rows(), max_size=12), array=st.booleans())
def test_what_is_rendered_is_read_back(rows, array):
    read = parse(HOURLY, json.dumps(rows).encode() if array else page(rows), {})
    assert (read.rows, read.total_rows, read.table.rejects) == (len(rows), len(rows), ())
    assert [str(time) for time in read.table["interval_start"]] == [row["datetime_beginning_utc"] for row in rows]
    for name, field in (("pnode_id", "pnode_id"), ("version", "version_nbr")):
        assert read.table[name].tolist() == [row[field] for row in rows]
    for name, field in (("total", "total_lmp_rt"), ("congestion", "congestion_price_rt")):
        assert [None if price != price else price for price in read.table[name].tolist()] == [row[field] for row in rows]


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "message", "detail"), DOCUMENTED)
def test_a_documented_refusal_is_told_in_pjms_words_with_its_field(field, message, detail):
    error = {"field": field, "message": message} | ({"detail": detail} if detail else {})
    told = refusal(400, json.dumps({"errors": [error]}).encode())
    about = f" ({', '.join(detail)})" if detail else ""
    assert (told.sentence, told.field) == (f"PJM refused the question (400): {field}: {message.rstrip('.')}{about}", field)


def test_an_unknown_feed_is_told_in_pjms_words():
    body = {
        "data": None,
        "code": 404,
        "message": "Not found.",
        "activityId": "a",
        "timestamp": "t",
        "detailedMessage": "No feed of this name.",
    }
    assert refusal(404, json.dumps(body).encode()).sentence == "PJM refused the question (404): Not found. No feed of this name."


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_setting(status):
    body = b'{"statusCode": 401, "message": "Access denied due to invalid subscription key."}'
    assert refusal(status, body).sentence == (
        f"PJM refused the key ({status}): Access denied due to invalid subscription key.; look at PJM_API_KEY"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"errors":[{"field":"Filters","message":"Too much."}]}', "Filters: Too much"),
        (b'{"errors":["Too much"]}', "Too much"),
        (b'{"code":500,"message":"Try later"}', "Try later"),
        (b"You are limited to one call per 30 minutes", "You are limited to one call per 30 minutes"),
        (b"<html><head><style>p {}</style></head><body><p>Down for\n maintenance</p></body></html>", "Down for maintenance"),
        (b'\xef\xbb\xbf{"errors":["Too much"]}', "Too much"),
    ],
)
def test_error_text_inside_a_200_is_a_refusal(body, words):
    assert refusal(200, body).sentence == f"PJM answered with an error inside a 200: {words}"


@pytest.mark.parametrize(
    "body", [page([hourly()]), page([]), b"[]", b"\n [ ]", page([hourly()])[:40], b"", page([hourly(pnode_name='"errors"')])]
)
def test_an_answer_is_no_refusal(body):
    assert refusal(200, body) is None


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"null", b'"text"', b"[]", b'{"errors": []}', b'{"errors": {"a": 1}}'])
def test_any_body_of_a_refusal_can_be_told(body):
    assert refusal(400, body).sentence.startswith("PJM refused the question (400): ")


# --- metadata --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "days"),
    [
        (b'{"name": "rt", "enableArchiving": true, "archiveCutoffDays": 400, "fields": [{}]}', 400),
        (b'{"enableArchiving": false, "archiveCutoffDays": 400}', None),
        (b'{"archiveCutoffDays": 400}', 400),
        (b'{"enableArchiving": true}', 731),
        (b'{"archiveCutoffDays": "soon"}', 731),
        (b"{}", 731),
        (b"not json", 731),
    ],
)
def test_the_archive_begins_where_the_metadata_say_else_where_the_guide_does(body, days):
    assert cutoff_days(body, 731) == days
