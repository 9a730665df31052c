"""Windows whose edges lie within a second, and answers that must not be told to be still the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from energyopti.intervals import Span
from tests.markets.api.asking import LMP, NODES, REVISIONS, answer, hourly
from tests.markets.prices import HOUR, HOURLY, day, flat, load

pytestmark = pytest.mark.django_db
DAY, DAY_BEFORE = day("2024-06-03"), day("2024-06-02")
HALF_A_SECOND = timedelta(milliseconds=500)


@pytest.mark.parametrize("path", [LMP, REVISIONS])
@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (HALF_A_SECOND, 2 * HOUR, 1),  # the interval that had begun half a second before is not in it
        (timedelta(0), HOUR + HALF_A_SECOND, 2),  # the one that begins half a second before the end is
        (timedelta(0), HALF_A_SECOND, 1),
        (HALF_A_SECOND, 2 * HALF_A_SECOND, 0),
    ],
)
def test_edges_within_a_second_are_kept(api: APIClient, path: str, start: timedelta, end: timedelta, hours: int) -> None:
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    body = answer(api, path, hourly(Span(DAY.start + start, DAY.start + end), nodes=1))
    assert (len(body["results"]), body["meta"]["expected"], body["meta"]["stored"]) == (hours, hours, hours)


def test_a_node_that_is_met_in_an_older_day_is_listed_anew(api: APIClient) -> None:
    """A load of an older day moves the beginning of a node that only prices name: no run changes its row otherwise."""
    load(HOURLY, DAY, flat(HOURLY, DAY, 1, 30.0))
    first = api.get(NODES)
    load(HOURLY, DAY_BEFORE, flat(HOURLY, DAY_BEFORE, 1, 30.0))
    again = api.get(NODES, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 200
    assert again.json()["results"][0]["effective_from"] == "2024-06-02T04:00:00Z"


def test_a_method_that_is_not_there_is_refused_before_the_parameters(api: APIClient) -> None:
    refused = api.post(LMP)
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert refused.json()["type"] == "urn:energyopti:problem:method-not-allowed"
    assert api.options(LMP).status_code == 200
