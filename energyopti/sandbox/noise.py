"""Random numbers that are looked up, not drawn: the same seed, stream and counters always give the same number.

That is what makes any window reproducible and consistent with every other without storing a price. The mixing function is
splitmix64 (Steele, Lea and Flood, 2014).
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def _mix(words: Words) -> Words:
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    return words ^ (words >> np.uint64(31))


def _words(seed: int, stream: str, counters: tuple[Any, ...]) -> Words:
    with np.errstate(over="ignore"):
        state = _mix(np.array(seed, np.uint64) * _GOLDEN + np.uint64(zlib.crc32(stream.encode())))
        for counter in counters:
            state = _mix((state ^ np.asarray(counter, np.int64).astype(np.uint64)) + _GOLDEN)
    return state


def uniform(seed: int, stream: str, *counters: Any) -> Floats:
    """Numbers in [0, 1), one for each combination of the counters, which broadcast."""
    return np.asarray((_words(seed, stream, counters) >> np.uint64(11)) * 2.0**-53, np.float64)


def normal(seed: int, stream: str, *counters: Any) -> Floats:
    """Numbers of mean 0 and variance 1 that stay within ±3.5: the sum of a word's four quarters."""
    words = _words(seed, stream, counters)
    quarters = sum(((words >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.float64) for shift in (0, 16, 32, 48))
    return np.asarray((quarters / 65_536 - 2.0) * 3.0**0.5, np.float64)


def smooth(seed: int, stream: str, seconds: Any, period: int, *counters: Any) -> Floats:
    """`normal` at every multiple of `period` seconds, and a smooth path between."""
    seconds = np.asarray(seconds, np.int64)
    step, rest = seconds // period, (seconds % period) / period
    weight = rest * rest * (3.0 - 2.0 * rest)
    before, after = normal(seed, stream, step, *counters), normal(seed, stream, step + 1, *counters)
    return np.asarray(before + (after - before) * weight, np.float64)
