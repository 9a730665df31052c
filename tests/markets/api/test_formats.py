"""The same prices in every format, over real HTTP: on both days when clocks change, with versions, gaps and two qualities."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests
from pyarrow import ipc, parquet

from energyopti.intervals import Span
from energyopti.organisations import services
from energyopti.organisations.models import User
from tests.api.test_formats import as_json, from_csv
from tests.markets.prices import DAY_AHEAD, FIVE, LIVE, day, flat, load

NUMBERS = {"node_id": int, "version": int, "revision": int, "intervals": int}


@pytest.fixture
def session(served: str) -> Any:
    _, secret = services.make_api_key(user=User.objects.create_user("reader"), name="formats")
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {secret}"
        yield session


def stored() -> None:
    for date in ("2024-03-10", "2024-11-03"):
        window = day(date)
        load(DAY_AHEAD, window, flat(DAY_AHEAD, window, 1, 30.123456) + flat(DAY_AHEAD, window, 2, -1.5, slots=range(3, 20)))
        load(LIVE, window, flat(LIVE, window, 1, 20.25))
        load(FIVE, window, flat(FIVE, window, 1, 21.5, version=2, slots=range(200)))


def typed(row: dict[str, Any]) -> dict[str, Any]:
    """A CSV row's texts as JSON's values."""
    kinds = NUMBERS | {name: float for name in row if name.endswith("_usd_per_mwh")}
    told = {name: kinds.get(name, str)(text) if text is not None else None for name, text in row.items()}
    return told | ({"stood": row["stood"] == "true"} if "stood" in row else {})


@pytest.mark.parametrize("date", ["2024-03-10", "2024-11-03"])
@pytest.mark.parametrize(
    "query",
    [
        {"path": "lmp", "market_type": "day_ahead"},
        {"path": "lmp", "market_type": "real_time"},
        {"path": "lmp", "market_type": "real_time", "resample": "1h", "agg": "max", "peak": "off"},
        {"path": "lmp/revisions", "market_type": "real_time"},
    ],
    ids=lambda query: " ".join(query.values()),
)
def test_every_format_tells_the_same_prices(served: str, session: requests.Session, date: str, query: dict[str, str]) -> None:
    stored()
    window = day(date)
    span = Span(window.start, window.end)
    asked = {name: text for name, text in query.items() if name != "path"} | {"tz": "market", "nodes": "1,2", "limit": "10000"}
    asked |= {"start_time": span.start.isoformat(), "end_time": span.end.isoformat()}

    def get(form: str) -> requests.Response:
        answer = session.get(f"{served}/api/v1/pjm/{query['path']}", params=asked | {"format": form})
        assert answer.status_code == 200, answer.text
        return answer

    told = get("json").json()["results"]
    assert len(told) > 20
    assert as_json(ipc.open_stream(get("arrow").content).read_all()) == told
    assert as_json(parquet.read_table(io.BytesIO(get("parquet").content))) == told
    assert [typed(row) for row in from_csv(get("csv").content).to_pylist()] == told
