"""PJM's rows under PJM's names, and the columns made of them under the house's names.

Data Miner writes each time twice, in UTC and in EPT, both without a zone. UTC is the key; EPT is its witness:
a row in which the two disagree is refused, which also finds a file whose days and months were exchanged.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from energyopti.feeds.rows import Stamp, seconds, seconds_of_wall_clock, wall_clock
from energyopti.feeds.table import Array, Reject, Table
from markets.types import NodeSeen

PnodeId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
VersionNumber = Annotated[int, msgspec.Meta(ge=1, le=2**15 - 1)]
Price = float | None  # USD/MWh


class DayAheadRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A row of da_hrl_lmps."""

    datetime_beginning_utc: Stamp
    datetime_beginning_ept: Stamp
    pnode_id: PnodeId
    pnode_name: str
    voltage: str | None
    equipment: str | None
    type: str
    zone: str | None
    system_energy_price_da: Price
    total_lmp_da: Price
    congestion_price_da: Price
    marginal_loss_price_da: Price
    row_is_current: bool
    version_nbr: VersionNumber


class RealTimeRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A row of rt_hrl_lmps and of rt_fivemin_hrl_lmps."""

    datetime_beginning_utc: Stamp
    datetime_beginning_ept: Stamp
    pnode_id: PnodeId
    pnode_name: str
    voltage: str | None
    equipment: str | None
    type: str
    zone: str | None
    system_energy_price_rt: Price
    total_lmp_rt: Price
    congestion_price_rt: Price
    marginal_loss_price_rt: Price
    row_is_current: bool
    version_nbr: VersionNumber


class UnverifiedRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A row of rt_unverified_fivemin_lmps. Nobody could show what the last two columns hold, so any value passes."""

    datetime_beginning_utc: Stamp
    datetime_beginning_ept: Stamp
    pnode_id: PnodeId
    pnode_name: str
    type: str
    total_lmp_rt: Price
    congestion_price_rt: Price
    marginal_loss_price_rt: Price
    occ_check: Any
    ref_caseid_used_multi_interval: Any


class PnodeRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A row of pnode: one node in one effective window."""

    pnode_id: PnodeId
    pnode_name: str
    pnode_type: str
    pnode_subtype: str | None
    zone: str | None
    voltage_level: str | None
    effective_date: Stamp
    termination_date: Stamp


Columns = Callable[[Sequence[Any]], Table]
Fault = tuple[str, str, str]  # code, field, reason


def price_columns(market: str, *, step: timedelta, zone: ZoneInfo, energy: bool = True, versions: bool = True) -> Columns:
    """How the rows of a price feed become columns; `market` is the ending of PJM's column names, "da" or "rt".

    The Table: interval_start (UTC), pnode_id, version (int16), total, congestion, loss, energy in USD/MWh, NaN where PJM
    sent nothing. A column that the feed does not have is absent. Rows off the grid of `step`, with times that contradict
    each other or with a number that is not finite are rejected.
    """
    prices = {"total": f"total_lmp_{market}", "congestion": f"congestion_price_{market}", "loss": f"marginal_loss_price_{market}"}
    if energy:
        prices["energy"] = f"system_energy_price_{market}"
    fault = functools.lru_cache(maxsize=200_000)(functools.partial(_time_fault, step=int(step.total_seconds()), zone=zone))
    return functools.partial(_price_columns, prices=prices, versions=versions, time_fault=fault)


def _price_columns(
    rows: Sequence[Any], *, prices: Mapping[str, str], versions: bool, time_fault: Callable[[tuple[str, str]], Fault | None]
) -> Table:
    pairs = _pairs(rows)
    instants = {utc: seconds(utc) or 0 for utc, _ in pairs}  # 0 stands only where the row is rejected below
    columns: dict[str, Array] = {
        "interval_start": _column(rows, "datetime_beginning_utc", np.int64, instants.__getitem__).astype("datetime64[s]"),
        "pnode_id": _column(rows, "pnode_id", np.int64),
    }
    if versions:
        columns["version"] = _column(rows, "version_nbr", np.int16)
    columns |= {name: _column(rows, field, np.float64) for name, field in prices.items()}  # None becomes NaN
    bad_times = {pair: fault for pair in pairs if (fault := time_fault(pair))}
    faults = dict(_number_faults(rows, columns, prices))
    if bad_times:
        faults |= {i: bad_times[pair] for i, pair in enumerate(_each_pair(rows)) if pair in bad_times}
    if faults:
        build = functools.partial(_price_columns, prices=prices, versions=versions, time_fault=time_fault)
        return _without(rows, faults, build)
    return Table(columns, entities=_nodes(rows))


def _column(rows: Sequence[Any], field: str, dtype: type, read: Callable[[Any], Any] | None = None) -> Array:
    values: Iterator[Any] = map(attrgetter(field), rows)
    return np.fromiter(map(read, values) if read else values, dtype, len(rows))


def _each_pair(rows: Sequence[Any]) -> Iterator[tuple[str, str]]:
    # two attrgetters zipped are twice as fast as one with two names: zip uses its tuple again
    return zip(map(attrgetter("datetime_beginning_utc"), rows), map(attrgetter("datetime_beginning_ept"), rows), strict=True)


def _pairs(rows: Sequence[Any]) -> set[tuple[str, str]]:
    return set(_each_pair(rows))


def _time_fault(pair: tuple[str, str], *, step: int, zone: ZoneInfo) -> Fault | None:
    utc, ept = pair
    instant, local = seconds(utc), seconds(ept)
    if instant is None or local is None:
        field = "datetime_beginning_utc" if instant is None else "datetime_beginning_ept"
        return "not-a-time", field, f"{(utc if instant is None else ept)!r} is not a time that can be read without guessing"
    if instant % step:
        return "off-grid", "datetime_beginning_utc", f"{utc} does not begin an interval of {step // 60} minutes"
    if seconds(wall := wall_clock(instant, zone)) != local:
        return "times-disagree", "datetime_beginning_ept", f"{utc} UTC is {wall} EPT, and the row says {ept}"
    return None


def _number_faults(rows: Sequence[Any], columns: Mapping[str, Array], prices: Mapping[str, str]) -> Iterator[tuple[int, Fault]]:
    for name, field in prices.items():
        for i in np.flatnonzero(~np.isfinite(columns[name])).tolist():
            if (value := getattr(rows[i], field)) is not None:
                yield i, ("not-finite", field, f"{field} is {value}")


def _without(rows: Sequence[Any], faults: Mapping[int, Fault], build: Columns) -> Table:
    """The rows without a fault, with a Reject for each that has one."""
    rejects = tuple(_reject(i + 1, rows[i], *faults[i]) for i in sorted(faults))
    return replace(build([row for i, row in enumerate(rows) if i not in faults]), rejects=rejects)


def _reject(number: int, row: Any, code: str, field: str, reason: str) -> Reject:
    return Reject(number, msgspec.json.encode(row).decode(), code, reason, field)


_seen = functools.lru_cache(maxsize=50_000)(NodeSeen)  # the same nodes on every page


def _nodes(rows: Sequence[Any]) -> dict[int, NodeSeen]:
    """Each node as it first stands in `rows`."""
    first = dict(zip(map(attrgetter("pnode_id"), reversed(rows)), reversed(rows), strict=True))
    if rows and isinstance(rows[0], UnverifiedRow):
        return {node: _seen(row.pnode_name, row.type, "", "") for node, row in first.items()}
    return {node: _seen(row.pnode_name, row.type, row.zone or "", row.voltage or "") for node, row in first.items()}


def pnode_columns(zone: ZoneInfo) -> Columns:
    """How the rows of pnode become columns: pnode_id, name, type, subtype, zone, voltage (None where PJM says nothing),
    effective_from and effective_to (UTC, made of EPT dates; NaT: still active)."""
    return functools.partial(_pnode_columns, zone=zone)


def _pnode_columns(rows: Sequence[PnodeRow], *, zone: ZoneInfo) -> Table:
    instant = functools.lru_cache(maxsize=None)(functools.partial(_effective, zone=zone))
    faults: dict[int, Fault] = {}
    for i, row in enumerate(rows):
        if fault := _window_fault(row, instant):
            faults[i] = fault
    if faults:
        return _without(rows, faults, pnode_columns(zone))
    texts = {"name": "pnode_name", "type": "pnode_type", "subtype": "pnode_subtype", "zone": "zone", "voltage": "voltage_level"}
    dates = {"effective_from": "effective_date", "effective_to": "termination_date"}
    return Table(
        {"pnode_id": _column(rows, "pnode_id", np.int64)}
        | {name: _column(rows, field, np.object_) for name, field in texts.items()}
        | {name: _column(rows, field, np.int64, instant).astype("datetime64[s]") for name, field in dates.items()}
    )


_OPEN_END = int(np.datetime64("NaT").astype(np.int64))


def _effective(text: str, *, zone: ZoneInfo) -> int | None:
    return _OPEN_END if text.startswith("9999-12-31") else seconds_of_wall_clock(text, zone)


def _window_fault(row: PnodeRow, instant: Callable[[str], int | None]) -> Fault | None:
    start, end = instant(row.effective_date), instant(row.termination_date)
    for field, moment in (("effective_date", start), ("termination_date", end)):
        if moment is None:
            return "not-a-time", field, f"{getattr(row, field)!r} is not a time that can be read without guessing"
    if start == _OPEN_END or (end != _OPEN_END and end <= start):  # type: ignore[operator]
        return "reversed-span", "termination_date", f"terminated {row.termination_date}, which is not after {row.effective_date}"
    return None
