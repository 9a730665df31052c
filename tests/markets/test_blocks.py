from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from django.db import connection, transaction

from energyopti.feeds.feed import Batch
from energyopti.feeds.table import Table
from markets import queries
from markets.blocks import seal
from markets.blocks.day import OffGrid
from markets.models import LmpBlock, LmpBlockHistory, LmpEnergy, LmpEnergyHistory, LmpLive, Node, Series
from tests.markets.prices import DAY_AHEAD, FIVE, HOUR, HOURLY, LATER, LIVE, at_clock, day, feed, flat, load, table

pytestmark = pytest.mark.django_db

DAY = day("2024-06-03")
SPRING, AUTUMN = day("2024-03-10"), day("2024-11-03")


def totals(feed_name: str, window=DAY, node: int = 1, as_of: datetime | None = None) -> list[float]:
    return queries.prices(feed=feed_name, nodes=[node], span=window, as_of=as_of).total.tolist()


def written_rows() -> int:
    """Rows that this transaction has inserted, updated or deleted in the price tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_xact_user_tables WHERE relname LIKE 'lmp%'")
        return int(cursor.fetchone()[0])


# --- loads and versions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "window", "n"), [(HOURLY, SPRING, 23), (HOURLY, DAY, 24), (HOURLY, AUTUMN, 25), (FIVE, SPRING, 276), (FIVE, AUTUMN, 300)]
)
def test_a_day_has_as_many_slots_as_its_clock_shows(one, window, n) -> None:
    written = load(one, window, flat(one, window, 1, 30.0))
    assert (written.expected, written.stored, written.new) == (n, n, 1)
    frame = queries.prices(feed=one.name, nodes=[1], span=window)
    assert frame.total.tolist() == [30.0 + slot for slot in range(n)]
    assert frame.interval_start[-1] == np.datetime64((window.end - one.step).replace(tzinfo=None), "s")
    assert LmpBlock.objects.get().n == n


def test_the_same_load_again_writes_no_row() -> None:
    rows = flat(HOURLY, DAY, 1, 30.0) + flat(HOURLY, DAY, 1, 40.0, version=2, slots=[3, 4]) + flat(HOURLY, DAY, 2, 50.0)
    assert load(HOURLY, DAY, rows).touched == 3
    before = written_rows()
    again = load(HOURLY, DAY, rows)
    assert (again.touched, again.flagged, again.stored) == (0, 0, 48)
    assert written_rows() == before


def test_rows_may_come_in_any_order() -> None:
    rows = flat(HOURLY, DAY, 1, 30.0) + flat(HOURLY, DAY, 2, 50.0)
    load(HOURLY, DAY, rows)
    assert load(HOURLY, DAY, rows[::-1]).touched == 0


def test_a_part_of_a_day_is_merged_slot_by_slot() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0, slots=range(12)))
    written = load(HOURLY, DAY, flat(HOURLY, DAY, 1, 40.0, slots=range(10, 24)))
    assert (written.new, written.changed, written.stored) == (0, 1, 24)
    assert totals(HOURLY.name) == [30.0 + slot for slot in range(10)] + [40.0 + slot for slot in range(10, 24)]
    assert LmpBlock.objects.get().revision == 1
    assert LmpBlockHistory.objects.get().missing == 12


def test_a_higher_version_replaces_and_the_lower_one_is_known_as_of_its_time(monkeypatch) -> None:
    clock = at_clock(monkeypatch, LATER)
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    first = clock.now
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 31.0, version=2), run=2)
    assert totals(HOURLY.name, as_of=first - timedelta(seconds=1)) == []
    assert totals(HOURLY.name, as_of=first)[0] == 30.0
    assert totals(HOURLY.name, as_of=clock.now - timedelta(microseconds=1))[0] == 30.0
    assert totals(HOURLY.name, as_of=clock.now)[0] == 31.0
    frame = queries.revisions(feed=HOURLY.name, nodes=[1], span=DAY).take(slice(0, 2))
    assert (frame.total.tolist(), frame.version.tolist(), frame.run_id.tolist(), frame.stood.tolist()) == (
        [30.0, 31.0],
        [1, 2],
        [1, 2],
        [True, True],
    )


def test_two_versions_in_one_load_the_lower_one_only_by_revisions(monkeypatch) -> None:
    clock = at_clock(monkeypatch, LATER)
    written = load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0) + flat(HOURLY, DAY, 1, 31.0, version=2))
    assert (written.new, written.changed, written.revisions) == (1, 0, 1)
    assert totals(HOURLY.name, as_of=clock.now)[0] == 31.0
    assert totals(HOURLY.name, as_of=clock.now - timedelta(microseconds=1)) == []
    frame = queries.revisions(feed=HOURLY.name, nodes=[1], span=DAY).take(slice(0, 2))
    assert (frame.version.tolist(), frame.stood.tolist()) == ([1, 2], [False, True])


def test_a_lower_version_that_comes_late_never_stands_and_is_kept_once() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 31.0, version=2))
    assert load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0)).revisions == 1
    assert load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0, slots=[5, 6])).touched == 0
    assert totals(HOURLY.name)[0] == 31.0
    assert LmpBlockHistory.objects.get().layer == 1


def test_versions_may_differ_within_a_day() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0) + flat(HOURLY, DAY, 1, 40.0, version=2, slots=[3]))
    block = LmpBlock.objects.get()
    assert block.version == 2
    assert block.slot_versions == [1, 1, 1, 2] + [1] * 20
    assert queries.prices(feed=HOURLY.name, nodes=[1], span=DAY).version.tolist() == block.slot_versions


def test_a_price_knows_since_when_and_from_which_run_it_stands(monkeypatch) -> None:
    clock = at_clock(monkeypatch, LATER)
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0), run=1)
    first = np.datetime64(clock.now.replace(tzinfo=None), "us")
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 99.0, slots=[7]), run=2)
    frame = queries.prices(feed=HOURLY.name, nodes=[1], span=DAY)
    second = np.datetime64(clock.now.replace(tzinfo=None), "us")
    assert frame.first_seen_at.tolist() == [(second if slot == 7 else first).item() for slot in range(24)]
    assert frame.run_id.tolist() == [2 if slot == 7 else 1 for slot in range(24)]


def test_a_slot_without_a_price_is_a_gap_and_no_row() -> None:
    rows = flat(HOURLY, DAY, 1, 30.0)
    rows[4] = (*rows[4][:3], (float("nan"), 1.0, 1.0, 20.0))
    written = load(HOURLY, DAY, rows, nodes=(1,))
    assert (written.expected, written.stored, written.missing_nodes) == (24, 23, (1,))
    assert len(totals(HOURLY.name)) == 23


def test_a_component_that_was_not_sent_stays_unknown() -> None:
    rows = [
        (at, node, version, (total, float("nan"), loss, energy))
        for at, node, version, (total, _, loss, energy) in flat(HOURLY, DAY, 1, 30.0)
    ]
    assert load(HOURLY, DAY, rows).stored == 24
    assert np.isnan(queries.prices(feed=HOURLY.name, nodes=[1], span=DAY).congestion).all()
    assert LmpBlock.objects.get().congestion_avg is None


def test_a_negative_zero_is_no_change() -> None:
    load(HOURLY, DAY, [(DAY.start, 1, 1, (20.0, 0.0, 0.0, 20.0))])
    assert load(HOURLY, DAY, [(DAY.start, 1, 1, (20.0, -0.0, 0.0, 20.0))]).touched == 0


def test_components_that_miss_the_total_are_flagged_and_stored_as_they_came() -> None:
    rows = flat(HOURLY, DAY, 1, 30.0)
    rows[2] = (*rows[2][:3], (32.0, 10.9898, 1.0, 20.0))  # off by 0.0102, the tolerance is 0.0101
    rows[3] = (*rows[3][:3], (33.0, 11.9900, 1.0, 20.0))
    assert load(HOURLY, DAY, rows).flagged == 1
    assert LmpBlock.objects.get().unbalanced == 1
    assert totals(HOURLY.name)[2] == 32.0


def test_a_price_between_two_intervals_is_refused() -> None:
    with pytest.raises(OffGrid, match="does not begin an interval of 60 minutes"):
        load(HOURLY, DAY, [(DAY.start + timedelta(minutes=30), 1, 1, (1.0, 0.0, 0.0, 1.0))])


def test_summary_columns_leave_missing_slots_out() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0, slots=[0, 10]))
    block = LmpBlock.objects.get()
    assert (block.total_avg, block.total_min, block.total_max, block.congestion_avg, block.missing) == (35.0, 30.0, 40.0, 14.0, 22)


# --- what was asked for ----------------------------------------------------------------------------


def test_expected_counts_the_nodes_asked_for_that_the_feed_can_have() -> None:
    one = feed("test.absent", absent_nodes=frozenset({3}))
    written = load(one, DAY, flat(one, DAY, 1, 30.0), nodes=(1, 2, 3))
    assert (written.nodes, written.expected, written.stored, written.missing_nodes) == (2, 48, 24, (2,))


def test_what_an_earlier_load_brought_counts_as_stored() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    assert load(HOURLY, DAY, flat(HOURLY, DAY, 2, 30.0), nodes=(1, 2)).stored == 48


def test_nothing_at_all_makes_no_series() -> None:
    written = load(HOURLY, DAY, Table({}), nodes=(1, 2))
    assert (written.expected, written.stored, written.missing_nodes) == (48, 0, (1, 2))
    assert not Series.objects.exists()


def test_sandbox_prices_are_a_series_of_their_own_and_give_way_to_real_ones() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 99.0), sandbox=True)
    assert queries.prices(feed=HOURLY.name, nodes=[1], span=DAY).sandbox
    load(HOURLY, DAY, flat(HOURLY, DAY, 2, 30.0))
    frame = queries.prices(feed=HOURLY.name, nodes=[1, 2], span=DAY)
    assert (frame.sandbox, set(frame.node_id.tolist())) == (False, {2})
    assert totals_of_sandbox() == [99.0 + slot for slot in range(24)]


def totals_of_sandbox() -> list[float]:
    return queries.prices(feed=HOURLY.name, nodes=[1], span=DAY, sandbox=True).total.tolist()


# --- energy ----------------------------------------------------------------------------------------


def priced(node: int, energy: float, *, slots=range(24), version: int = 1):
    return [(DAY.start + slot * HOUR, node, version, (energy + 10.0, 9.0, 1.0, energy)) for slot in slots]


def energies(node: int, as_of: datetime | None = None) -> list[float]:
    return queries.prices(feed=HOURLY.name, nodes=[node], span=DAY, as_of=as_of).energy.tolist()


def test_energy_is_stored_once_for_all_nodes_that_agree() -> None:
    load(HOURLY, DAY, [*priced(1, 20.0), *priced(2, 20.0), *priced(3, 21.0)])
    assert LmpEnergy.objects.get().energy == [20.0] * 24
    assert dict(LmpBlock.objects.values_list("pnode_id", "energy")) == {1: None, 2: None, 3: [21.0] * 24}
    assert energies(3) == [21.0] * 24


def test_a_new_market_energy_leaves_blocks_outside_the_load_as_they_were(monkeypatch) -> None:
    clock = at_clock(monkeypatch, LATER)
    load(HOURLY, DAY, [*priced(1, 20.0), *priced(2, 20.0)])
    first = clock.now
    load(HOURLY, DAY, [*priced(2, 25.0, version=2), *priced(3, 25.0, version=2)])
    assert LmpEnergy.objects.get().energy == [25.0] * 24
    assert LmpEnergyHistory.objects.get().energy == [20.0] * 24
    assert (energies(1), energies(2), energies(2, first), energies(1, first)) == ([20.0] * 24, [25.0] * 24, [20.0] * 24, [20.0] * 24)
    assert LmpBlock.objects.get(pnode_id=1).revision == 0  # its prices have not changed: no version of it
    assert load(HOURLY, DAY, priced(1, 20.0)).touched == 0


def test_a_few_nodes_do_not_change_the_energy_of_the_many() -> None:
    load(HOURLY, DAY, [row for node in (1, 2, 3) for row in priced(node, 20.0)])
    load(HOURLY, DAY, priced(1, 25.0, version=2))
    assert LmpEnergy.objects.get().energy == [20.0] * 24
    assert energies(1) == [25.0] * 24


def test_a_series_without_energy_answers_null() -> None:
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0))
    assert np.isnan(queries.prices(feed=LIVE.name, nodes=[1], span=DAY).energy).all()
    assert not LmpEnergy.objects.exists()


# --- the running day -------------------------------------------------------------------------------


def at(minutes: int) -> datetime:
    return DAY.start + timedelta(minutes=minutes)


def test_a_running_day_lies_live_and_the_newest_arrival_stands(monkeypatch) -> None:
    clock = at_clock(monkeypatch, at(60))
    written = load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(10)), nodes=(1, 3), now=at(60))
    assert (written.nodes, written.expected, written.stored, written.new) == (1, 12, 10, 10)
    first = clock.now
    written = load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(9)) + flat(LIVE, DAY, 1, 50.0, slots=[9, 10]), nodes=(1,), now=at(65))
    assert (written.new, written.changed) == (1, 1)
    assert not LmpBlock.objects.exists()
    assert totals(LIVE.name)[8:] == [38.0, 59.0, 60.0]
    assert totals(LIVE.name, as_of=first)[8:] == [38.0, 39.0]


def test_the_same_running_day_again_writes_no_row() -> None:
    rows = flat(LIVE, DAY, 1, 30.0, slots=range(10))
    load(LIVE, DAY, rows, now=at(60))
    before = written_rows()
    assert load(LIVE, DAY, rows, now=at(65)).touched == 0
    assert written_rows() == before


def test_a_day_that_is_over_is_sealed_and_as_of_inside_it_stays_true(monkeypatch) -> None:
    clock = at_clock(monkeypatch, at(60))
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(10)), now=at(60))
    first = clock.now
    load(LIVE, DAY, flat(LIVE, DAY, 1, 50.0, slots=[9]) + flat(LIVE, DAY, 1, 30.0, slots=[10]), now=at(65))
    second, clock.now = clock.now, DAY.end + timedelta(hours=1)
    everything = flat(LIVE, DAY, 1, 30.0, slots=[slot for slot in range(288) if slot != 9]) + flat(LIVE, DAY, 1, 50.0, slots=[9])
    written = load(LIVE, DAY, everything)
    assert (written.new, written.changed, written.stored) == (1, 0, 288)
    block = LmpBlock.objects.get()
    assert (block.recorded_at, block.seen[:12]) == (first, [61 * 60] * 9 + [62 * 60] * 2 + [90_060])
    assert totals(LIVE.name, as_of=first) == [30.0 + slot for slot in range(10)]
    assert totals(LIVE.name, as_of=second)[8:] == [38.0, 59.0, 40.0]
    assert len(totals(LIVE.name, as_of=clock.now - timedelta(seconds=1))) == 11
    assert list(LmpLive.objects.values_list("total", flat=True)) == [39.0]  # the overwritten value, for as-of and revisions
    assert load(LIVE, DAY, everything).touched == 0


def test_a_day_whose_last_pull_never_came_is_sealed_as_it_lies() -> None:
    load(LIVE, DAY, flat(LIVE, DAY, 1, 30.0, slots=range(10)), now=at(60))
    written = seal(series_feed=LIVE, window=DAY, sandbox=False, run_id=1)
    assert written is not None
    assert (written.new, written.expected, written.stored) == (1, 288, 10)
    assert (LmpBlock.objects.get().missing, LmpLive.objects.count()) == (278, 0)
    assert seal(series_feed=LIVE, window=DAY, sandbox=False, run_id=1) is None
    assert totals(LIVE.name) == [30.0 + slot for slot in range(10)]


def test_a_day_ahead_arrives_whole_and_is_a_block_at_once() -> None:
    load(DAY_AHEAD, DAY, flat(DAY_AHEAD, DAY, 1, 30.0), now=DAY.start - timedelta(hours=10))
    assert (LmpBlock.objects.get().seen, LmpLive.objects.count()) == (None, 0)


def test_nodes_that_are_whole_become_blocks_beside_those_that_are_not() -> None:
    rows = flat(DAY_AHEAD, DAY, 1, 30.0) + flat(DAY_AHEAD, DAY, 2, 30.0, slots=range(5))
    written = load(DAY_AHEAD, DAY, rows, now=DAY.start - timedelta(hours=10), nodes=(1, 2))
    assert (written.new, written.stored, written.expected) == (6, 29, 48)
    assert LmpBlock.objects.get().pnode_id == 1


# --- several sources, nodes, one window at a time --------------------------------------------------


def test_qualities_are_merged_by_precedence_slot_by_slot() -> None:
    verified, unverified = FIVE, LIVE
    load(unverified, DAY, flat(unverified, DAY, 1, 30.0))
    load(verified, DAY, flat(verified, DAY, 1, 40.0, slots=range(100)))
    frame = queries.prices(market="real_time", resolution=timedelta(minutes=5), nodes=[1], span=DAY)
    assert frame.quality.tolist() == ["verified"] * 100 + ["unverified"] * 188
    assert frame.total.tolist() == [40.0 + slot for slot in range(100)] + [30.0 + slot for slot in range(100, 288)]
    asked = queries.prices(market="real_time", resolution=timedelta(minutes=5), quality="unverified", nodes=[1], span=DAY)
    assert asked.total.tolist() == [30.0 + slot for slot in range(288)]


def test_a_node_first_met_in_a_price_is_made_from_it_once() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    load(HOURLY, day("2024-06-04"), flat(HOURLY, day("2024-06-04"), 1, 30.0))
    node = Node.objects.get()
    assert (node.pnode_id, node.name, node.type, node.zone, node.voltage, node.origin) == (1, "NODE  1", "LOAD", "PECO", "13 KV", "price")
    assert (node.effective_from, node.effective_to, node.sandbox) == (DAY.start, None, False)
    load(HOURLY, day("2024-06-02"), flat(HOURLY, day("2024-06-02"), 1, 30.0))
    assert Node.objects.get().effective_from == day("2024-06-02").start


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_one_day_wait_for_each_other() -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    with transaction.atomic():
        HOURLY.store.write(Batch(HOURLY, DAY, table(flat(HOURLY, DAY, 2, 30.0)), None, False, 1, LATER))
        with connection.copy().cursor() as other:
            other.execute(
                "SELECT pg_try_advisory_lock(hashtext('markets.blocks ' || %s::text), %s)",
                [Series.objects.get().pk, int(DAY.start.timestamp()) // 3600],
            )
            assert other.fetchone() == (False,)
            other.connection.close()
