"""The price store against a model of a few lines: whatever comes, in whatever order, both know the same."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energyopti.feeds.feed import Feed
from energyopti.intervals import Span
from markets import queries
from markets.blocks import seal
from markets.types import PriceFrame
from tests.markets.prices import HOUR, LATER, Price, at_clock, day, feed, load

pytestmark = pytest.mark.django_db

WINDOW = day("2024-06-03")
NODES, SLOTS = (1, 2, 7), range(4)  # few, so that loads meet
Entry = tuple[datetime, int, Price]  # when it came, version, price
Load = dict[tuple[int, int, int], Price]  # node, slot, version → price
REST: Load = {(node, slot, 1): (8.0, 0.5, 0.5, 7.0) for node in (1, 7) for slot in range(24)}
_numbers = itertools.count()


class Model:
    """Per node and slot: what stood, one entry after the other, and the lower versions that never stood."""

    def __init__(self) -> None:
        self.stood: dict[tuple[int, int], list[Entry]] = defaultdict(list)
        self.lower: dict[tuple[int, int], list[Entry]] = defaultdict(list)

    def load(self, rows: Load, now: datetime) -> None:
        for (node, slot, version), price in sorted(rows.items(), key=lambda row: -row[0][2]):
            stood, lower = self.stood[node, slot], self.lower[node, slot]
            known = [entry[1:] for entry in stood + lower]
            if not stood or version > stood[-1][1] or (version == stood[-1][1] and price != stood[-1][2]):
                stood.append((now, version, price))
            elif version < stood[-1][1] and (version, price) not in known:
                lower.append((now, version, price))

    def at(self, instant: datetime) -> dict[tuple[int, int], Entry]:
        found = {key: [entry for entry in entries if entry[0] <= instant] for key, entries in self.stood.items()}
        return {key: entries[-1] for key, entries in found.items() if entries}

    def revisions(self) -> list[tuple[int, int, Entry]]:
        every = ((*key, entry) for key in list(self.stood) for entry in self.stood[key] + self.lower[key])
        return sorted(every, key=lambda one: (one[0], one[1], one[2][0], one[2][1]))


def _entries(frame: PriceFrame) -> list[tuple[int, int, Entry]]:
    start = WINDOW.start.replace(tzinfo=None)
    return [
        (node, (at - start) // HOUR, (came.replace(tzinfo=WINDOW.start.tzinfo), version, price))
        for node, at, came, version, *price_ in zip(
            frame.node_id.tolist(),
            frame.interval_start.tolist(),
            frame.first_seen_at.tolist(),
            frame.version.tolist(),
            frame.total.tolist(),
            frame.congestion.tolist(),
            frame.loss.tolist(),
            frame.energy.tolist(),
            strict=True,
        )
        for price in [tuple(price_)]
    ]


def _known(feed: Feed, span: Span, as_of: datetime | None = None) -> dict[tuple[int, int], Entry]:
    frame = queries.prices(feed=feed.name, nodes=NODES, span=span, as_of=as_of)
    return {(node, slot): entry for node, slot, entry in _entries(frame)}


prices = st.tuples(st.sampled_from([10.0, 11.0]), st.just(-1.5), st.just(0.25), st.sampled_from([5.0, 6.0, float("-0.0")]))
rows = st.dictionaries(st.tuples(st.sampled_from(NODES), st.sampled_from(SLOTS), st.integers(1, 3)), prices, max_size=14)
loads = st.lists(st.tuples(st.booleans(), rows), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(loads, st.integers(0, 6), st.booleans(), st.none() | st.integers(0, 5))
def test_any_sequence_of_loads_is_known_as_the_model_knows_it(
    monkeypatch: pytest.MonkeyPatch, loads: list[tuple[bool, Load]], running: int, sealed: bool, rest: int | None
) -> None:
    """`running` loads come while the day runs, `rest` is the load that brings the day's other slots."""
    one, model = feed(f"test.model{next(_numbers)}"), Model()
    clock = at_clock(monkeypatch, WINDOW.start + timedelta(hours=5))
    for place, (again, load_rows) in enumerate(loads):
        now = WINDOW.start + timedelta(hours=9) if place < running else LATER
        load_rows = {**(REST if place == rest else {}), **load_rows}
        listed = [(WINDOW.start + slot * HOUR, node, version, price) for (node, slot, version), price in load_rows.items()]
        for _ in range(1 + again):
            written = load(one, WINDOW, listed, nodes=NODES, now=now)
            model.load(load_rows, clock.now)
        assert written.stored == len(model.at(clock.now))
        assert not (again and written.touched)
        if sealed and place == running:
            seal(series_feed=one, window=WINDOW, sandbox=False, run_id=1)
    assert _known(one, WINDOW) == model.at(clock.now)
    instant = WINDOW.start + timedelta(hours=5)
    while instant <= clock.now:
        assert _known(one, WINDOW, as_of=instant + timedelta(seconds=30)) == model.at(instant + timedelta(seconds=30))
        instant += timedelta(minutes=1)
    assert _entries(queries.revisions(feed=one.name, nodes=NODES, span=WINDOW)) == model.revisions()
