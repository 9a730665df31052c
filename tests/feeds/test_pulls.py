"""Pages that make one whole, or do not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energyopti.errors import SnapshotMismatch
from energyopti.feeds.feed import Page
from energyopti.feeds.pulls import agreed, doubled
from energyopti.feeds.table import Reject, Table

FEED = SimpleNamespace(key=("interval_start", "pnode_id"))


def table(*rows: tuple[int, int], rejects: int = 0) -> Table:
    times, nodes = zip(*rows, strict=True) if rows else ((), ())
    return Table(
        {"interval_start": np.array(times, dtype="datetime64[s]"), "pnode_id": np.array(nodes, dtype=np.int64)},
        tuple(Reject(n + 1, "?", "bad", "bad") for n in range(rejects)),
    )


def page(*rows: tuple[int, int], total: int, rejects: int = 0) -> Page:
    return Page(len(rows) + rejects, total, table(*rows, rejects=rejects))


def test_pages_that_agree_are_one_table_with_all_their_rejects() -> None:
    whole = agreed([page((0, 1), (0, 2), total=4), page((0, 3), total=4, rejects=1)], FEED)
    assert whole["pnode_id"].tolist() == [1, 2, 3]
    assert len(whole.rejects) == 1


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ([page((0, 1), total=2), page((0, 2), total=3)], "totalRows is 2 and 3"),
        ([page((0, 1), total=5)], "1 rows came, but totalRows is 5"),
        ([page((0, 1), (0, 2), total=1)], "2 rows came, but totalRows is 1"),
        ([page((0, 1), total=2), page((0, 1), total=2)], "1 rows came twice"),
    ],
    ids=["totals-differ", "too-few", "too-many", "doubled"],
)
def test_pages_that_disagree_are_refused_with_the_reason(pages: list[Page], reason: str) -> None:
    with pytest.raises(SnapshotMismatch, match=reason):
        agreed(pages, FEED)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(-(2**40), 2**40)), max_size=60))
def test_doubled_counts_what_a_set_counts(rows: list[tuple[int, int]]) -> None:
    assert doubled(table(*rows), FEED.key) == len(rows) - len(set(rows))


def test_text_keys_are_compared_as_text() -> None:
    names = Table({"name": np.array(["A  B", "A B", "A  B"], dtype=object)})
    assert doubled(names, ("name",)) == 1
