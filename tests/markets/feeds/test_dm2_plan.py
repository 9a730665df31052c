"""How windows are packed: few questions, each of which Data Miner 2 accepts."""

import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energyopti.intervals import Span, market_days
from markets.feeds import dm2_plan

from .samples import DAY_AHEAD, FIVE_MINUTE, HOURLY, UNVERIFIED, utc

NOW = utc("2026-11-23T15:00")
CUTOFF = 731
ZONES_AND_HUBS = tuple(range(1, 36))
KINDS = {node: "ZONE" if node <= 23 else "HUB" for node in ZONES_AND_HUBS}


def windows(start: str, end: str, feed=HOURLY) -> list[Span]:
    return list(market_days(Span(utc(start), utc(end)), feed.zone))


def plan(days, nodes=ZONES_AND_HUBS, *, feed=HOURLY, kinds=KINDS, now=NOW, cutoff=CUTOFF):
    return dm2_plan.plan(feed, days, nodes, kinds=kinds, archive=dm2_plan.archive(now, cutoff))


def requests(pulls) -> int:
    """Questions that are sent when each span holds what was estimated, and one day in twenty comes in two versions."""
    return sum(math.ceil(1.05 * len(ZONES_AND_HUBS) * span.slots(timedelta(hours=1)) / 50_000) for pull in pulls for span in pull.spans)


def test_a_recent_year_of_35_hourly_nodes_is_seven_questions():
    pulls = plan(windows("2025-10-01T04:00", "2026-10-01T04:00"))
    assert [(len(pull.windows), len(pull.spans)) for pull in pulls] == [(53, 1)] * 6 + [(47, 1)]


@pytest.mark.parametrize("year", range(2015, 2026))
def test_any_year_of_35_hourly_nodes_is_at_most_nine_questions(year):
    """The tenth is for the metadata."""
    assert requests(plan(windows(f"{year}-01-01T05:00", f"{year + 1}-01-01T05:00"))) <= 9


def test_an_archived_question_names_types_and_no_node():
    [pull] = plan(windows("2020-03-02T05:00", "2020-03-04T05:00"))
    assert (pull.params, pull.nodes) == ({"type": "HUB;ZONE", "row_is_current": "all"}, ZONES_AND_HUBS)


@pytest.mark.parametrize("kinds", [{}, {1: "ZONE"}, KINDS | {1: "BUS"}])
def test_an_archived_question_names_nothing_where_a_type_is_not_known(kinds):
    pulls = plan(windows("2020-03-02T05:00", "2020-03-04T05:00"), kinds=kinds)
    assert [(pull.params, len(pull.windows)) for pull in pulls] == [({"row_is_current": "all"}, 1)] * 2


def test_the_five_minute_feed_never_takes_a_type():
    pulls = plan(windows("2025-03-03T05:00", "2025-03-05T05:00"), feed=FIVE_MINUTE, cutoff=186)
    assert [pull.params for pull in pulls] == [{"row_is_current": "all"}] * 2


def test_unverified_has_no_versions_to_ask_for():
    [pull] = plan(windows("2026-11-22T05:00", "2026-11-23T05:00"), feed=UNVERIFIED, cutoff=None)
    assert pull.params == {"pnode_id": ";".join(map(str, ZONES_AND_HUBS))}


def test_the_last_of_december_is_asked_in_two_pieces_in_the_archive():
    [pull] = plan(windows("2022-12-31T05:00", "2023-01-01T05:00"))
    assert [str(span) for span in pull.spans] == ["2022-12-31T05:00Z/2023-01-01T00:00Z", "2023-01-01T00:00Z/2023-01-01T05:00Z"]


def test_the_last_of_december_is_asked_whole_outside_the_archive():
    [pull] = plan(windows("2025-12-31T05:00", "2026-01-01T05:00"))
    assert [str(span) for span in pull.spans] == ["2025-12-31T05:00Z/2026-01-01T05:00Z"]


def test_the_date_of_the_cutoff_is_asked_by_itself_and_by_the_archives_rules():
    """731 days before 2026-11-23 is 2024-11-22."""
    [pull] = plan(windows("2024-11-20T05:00", "2024-11-25T05:00"))
    assert [str(span) for span in pull.spans] == [
        "2024-11-20T05:00Z/2024-11-22T00:00Z",
        "2024-11-22T00:00Z/2024-11-23T00:00Z",
        "2024-11-23T00:00Z/2024-11-25T05:00Z",
    ]
    assert (pull.params, len(pull.windows)) == ({"type": "HUB;ZONE", "row_is_current": "all"}, 5)


def test_behind_the_cutoff_nodes_are_asked_by_id_where_the_archives_answer_would_be_long():
    archived, standard = plan(windows("2024-11-21T05:00", "2024-11-25T05:00"), kinds={})[1:]
    assert (archived.params, len(archived.windows)) == ({"row_is_current": "all"}, 1)
    assert ([str(span) for span in standard.spans], "pnode_id" in standard.params) == (["2024-11-23T05:00Z/2024-11-25T05:00Z"], True)


def test_a_new_year_behind_the_cutoff_is_not_cut():
    [pull] = plan(windows("2024-11-22T05:00", "2025-01-03T05:00"))
    assert [str(span) for span in pull.spans] == ["2024-11-22T05:00Z/2024-11-23T00:00Z", "2024-11-23T00:00Z/2025-01-03T05:00Z"]


def test_windows_with_a_hole_between_them_are_two_pulls():
    days = windows("2026-03-02T05:00", "2026-03-05T05:00")
    assert [pull.windows for pull in plan([days[0], days[2]])] == [(days[0],), (days[2],)]


def test_all_nodes_are_one_window_a_pull():
    pulls = plan(windows("2026-03-02T05:00", "2026-03-05T05:00"), None)
    assert [(len(pull.windows), pull.params, pull.nodes) for pull in pulls] == [(1, {"row_is_current": "all"}, None)] * 3


def test_a_list_too_long_for_an_url_is_asked_by_type_else_whole():
    nodes = tuple(range(10**9, 10**9 + 600))
    [by_type] = plan(windows("2026-03-02T05:00", "2026-03-03T05:00"), nodes, kinds=dict.fromkeys(nodes, "AGGREGATE"))
    [whole] = plan(windows("2026-03-02T05:00", "2026-03-03T05:00"), nodes, kinds={})
    assert (by_type.params, whole.params) == ({"type": "AGGREGATE", "row_is_current": "all"}, {"row_is_current": "all"})


def test_a_list_that_fits_is_asked_by_id():
    nodes = tuple(range(10**9, 10**9 + 400))
    [pull] = plan(windows("2026-03-02T05:00", "2026-03-03T05:00"), nodes, kinds={})
    assert pull.params["pnode_id"].count(";") == 399


def test_one_node_of_one_type_counts_as_all_nodes_of_that_type():
    """24 h × 2,124 generators are more than a page: one window a pull, in two pages."""
    pulls = plan(windows("2020-03-02T05:00", "2020-03-04T05:00"), (7,), kinds={7: "GEN"})
    assert [len(pull.windows) for pull in pulls] == [1, 1]


instants = st.integers(min_value=int(utc("2018-01-01T00:00").timestamp()), max_value=int(utc("2026-11-25T00:00").timestamp())).map(
    lambda second: datetime.fromtimestamp(second, UTC)
)
node_sets = st.none() | st.lists(st.integers(1, 35), min_size=1, max_size=35, unique=True).map(tuple)


@given(
    start=instants,
    days=st.integers(1, 800),
    nodes=node_sets,
    feed=st.sampled_from([HOURLY, DAY_AHEAD, FIVE_MINUTE]),
    kinds=st.sampled_from([KINDS, {}]),
    now=instants,
    cutoff=st.none() | st.integers(1, 1500),
    holes=st.sets(st.integers(0, 800)),
)
def test_every_window_is_asked_once_and_every_question_is_allowed(start, days, nodes, feed, kinds, now, cutoff, holes):
    asked = [day for i, day in enumerate(market_days(Span(start, start + timedelta(days=days)), feed.zone)) if i not in holes]
    pulls = plan(asked, nodes, feed=feed, kinds=kinds, now=now, cutoff=cutoff)
    assert [window for pull in pulls for window in pull.windows] == asked
    today = datetime(now.year, now.month, now.day, tzinfo=UTC)
    for pull in pulls:
        assert pull.spans[0].start == pull.windows[0].start
        assert pull.spans[-1].end == pull.windows[-1].end
        for chain in (pull.windows, pull.spans):
            assert all(one.end == other.start for one, other in itertools.pairwise(chain))
        for span in pull.spans:
            last = span.end - feed.step
            assert span.length <= timedelta(days=366)
            # true at the moment of planning, and still true when the question is sent after midnight; whether PJM counts
            # the date of the cutoff itself to the archive or not
            for boundary in (today + timedelta(days=shift - cutoff) for shift in (0, 1) if cutoff is not None):
                assert not span.start < boundary <= last
                if span.start < boundary:
                    assert span.start.year == last.year
                    assert set(pull.params) <= {"type", "row_is_current"}
