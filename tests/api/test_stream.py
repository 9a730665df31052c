"""Steps taken side by side: in their order, one ahead, and their errors told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import pytest

from energyopti.api import stream
from energyopti.api.stream import side_by_side


def test_what_steps_give_comes_in_their_order() -> None:
    second = threading.Event()

    def slow() -> int:
        assert second.wait(10)  # the second step is taken while the first one is
        return 1

    def quick() -> int:
        second.set()
        return 2

    assert list(side_by_side(iter([slow, quick, lambda: 3]))) == [1, 2, 3]
    assert list(side_by_side(iter(list[Callable[[], int]]()))) == []


def test_no_more_steps_are_begun_than_can_be_taken_at_once() -> None:
    begun = []

    def steps() -> Iterator[Callable[[], int]]:
        for place in range(100):
            begun.append(place)
            yield partial(abs, place)

    taken = side_by_side(steps())
    assert len(list(islice(taken, 3))) == 3
    assert len(begun) <= 3 + stream._SIDE_BY_SIDE
    taken.close()  # type: ignore[attr-defined]
    assert len(begun) <= 3 + stream._SIDE_BY_SIDE


def test_an_error_comes_in_its_place() -> None:
    def fails() -> int:
        raise ValueError("torn")

    taken = side_by_side(iter([lambda: 1, fails, lambda: 3]))
    assert next(taken) == 1
    with pytest.raises(ValueError, match="torn"):
        next(taken)
