"""The ledger, through Django: transfers against django-hordak, many at once, large ones; what a transfer takes on disk."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence

from recs import ledger
from recs.types import Purpose
from tests.benchmarks.ledger_race import BULK, CONNECTIONS, SECONDS
from tests.benchmarks.table import Row
from tests.benchmarks.web import p50, p95
from tests.recs import world

Calls = dict[str, list[list[float]]]
REPEATS = 15
MILLION, PIECES = 1_000_000, 100


def run() -> Iterator[Row]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.ledger_race"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.benchmarks.peers"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured = json.loads(done.stdout)
    yield from _rates(measured["calls"])
    yield from _bulk(measured["calls"])
    yield from _disk(**measured["bytes"])
    yield from _large()


def _rates(calls: Calls) -> Iterator[Row]:
    """Medians of the rounds; a ratio is that of the two in the same round."""
    for connections in CONNECTIONS:
        ours, hordak, in_hand, safe = (
            _rounds(calls, connections, name) for name in ("ours", "hordak", "hordak in hand", "hordak made safe")
        )
        what = f"transfers, {connections} connection{'s' if connections > 1 else ''}"
        peer = f"django-hordak transfer_to {_rate(hordak)} ({_rate(in_hand)} with its accounts in hand: {_ratio(ours, in_hand):.1f}x)"
        yield _beside(what, ours, hordak, peer, 2)
        yield _beside(what, ours, safe, f"hordak, accounts locked and balance checked {_rate(safe)}", 3.5)
    taken = sorted(seconds * 1000 for turn in calls["4 ours"] for seconds in turn)
    tail = taken[round(0.99 * (len(taken) - 1))]
    told = f"p50 {p50(taken):.1f} ms, p95 {p95(taken):.1f} ms, p99 {tail:.1f} ms"
    share = f"{p95(taken) / 10:.0%}, {tail / 25:.0%} of it"
    yield Row("a transfer, 4 connections", told, "p95 10 ms, p99 25 ms", share, p95(taken) < 10 and tail < 25)


def _rounds(calls: Calls, connections: int, name: str) -> list[float]:
    """Calls a second in each round."""
    return [len(turn) / SECONDS for turn in calls[f"{connections} {name}"]]


def _beside(what: str, ours: Sequence[float], peer: Sequence[float], told: str, goal: float) -> Row:
    ratio = _ratio(ours, peer)
    return Row(what, _rate(ours), told, f"{ratio:.2f}x (goal {goal:g}x)", ratio >= goal)


def _ratio(ours: Sequence[float], peer: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, peer, strict=True))


def _rate(rounds: Sequence[float], each: int = 1) -> str:
    return f"{statistics.median(rounds) * each:,.0f}/s"


def _bulk(calls: Calls) -> Iterator[Row]:
    one, four = (_rounds(calls, connections, "bulk") for connections in (1, 4))
    best = statistics.median(four) * BULK
    what = f"transfers, {BULK} in one command"
    yield Row(f"{what}, 1 connection", _rate(one, BULK), "", "", True)
    yield Row(f"{what}, 4 connections", _rate(four, BULK), "3,000/s", f"{best / 3000:.0%} of it", best >= 3000)


def _disk(ledger: int, outbox: int, transfers: int) -> Iterator[Row]:
    told = f"{ledger / transfers:,.0f} B, and {outbox / transfers:,.0f} B of events"
    what = f"a transfer on disk: command, entry, holdings, all indexes ({transfers:,} transfers)"
    yield Row(what, told, "about 1,000 B", f"{ledger / transfers / 1000:.0%} of it", ledger / transfers < 1200)


def _large() -> Iterator[Row]:
    firm = world.firm(f"large-{uuid.uuid4().hex[:8]}")
    taken = [_issue(firm, turn) for turn in range(REPEATS)]
    yield _limit("issue of a million certificates", taken, 50)
    taken = [_retire(firm, turn) for turn in range(REPEATS)]
    yield _limit(f"retirement of 100,000 certificates in {PIECES} pieces", taken, 100)


def _issue(firm: world.Firm, turn: int) -> float:
    batch = world.batch(firm, base=f"{firm.organisation.slug}-{turn}", last=MILLION)
    return _milliseconds(lambda: ledger.issue(key=uuid.uuid4(), by=firm.trader, batch=batch.pk, account=firm.main.pk))


def _retire(firm: world.Firm, turn: int) -> float:
    account = firm.account(f"Pieces {turn}")
    batch, each = world.batch(firm, base=f"{firm.organisation.slug}-p{turn}", last=100_000), 100_000 // PIECES
    for first in range(1, 100_000, each):
        ledger.issue(key=uuid.uuid4(), by=firm.trader, batch=batch.pk, account=account.pk, first=first, last=first + each - 1)
    purpose = Purpose(beneficiary="Benchmark", reason="Measured")
    return _milliseconds(lambda: ledger.retire(key=uuid.uuid4(), by=firm.officer, account=account.pk, quantity=100_000, purpose=purpose))


def _milliseconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def _limit(what: str, taken: Sequence[float], limit: float) -> Row:
    ascending = sorted(taken)
    told = f"p50 {p50(ascending):.1f} ms, p95 {p95(ascending):.1f} ms"
    return Row(what, told, f"{limit:g} ms", f"p50 {p50(ascending) / limit:.0%} of it", p50(ascending) < limit)
