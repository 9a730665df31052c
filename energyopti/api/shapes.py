"""The shapes of what is asked and answered, as the schema tells them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from energyopti.api.bodies import Body, Listed
from energyopti.api.columns import Column, Kind
from energyopti.organisations.models import APIKey, Membership

_LICENCE = "PJM Data Miner 2: for internal use only; redistribution needs an active PJM membership."
_LICENCE_URL = "https://www.pjm.com/-/media/etools/data-miner-2/data-miner-2-api-guide.ashx"
FEED_COLUMNS = (
    Column("name", Kind.TEXT, "the upstream's own short name behind the upstream's", example="pjm.da_hrl_lmps"),
    Column("title", Kind.TEXT, "what it holds", example="Day-ahead hourly LMP"),
    Column("upstream", Kind.TEXT, "who publishes it", example="PJM Data Miner 2"),
    Column("cadence", Kind.TEXT, "when it is pulled: a crontab line, market-local time", example="40 13,15,18 * * *"),
    Column("licence", Kind.TEXT, "what the source allows, in a sentence", example=_LICENCE),
    Column("licence_url", Kind.TEXT, "where the licence stands", example=_LICENCE_URL),
    Column("licence_display", Kind.BOOLEAN, "may be shown outside the organisation that pulled it", example=False),
    Column("licence_derive", Kind.BOOLEAN, "figures derived from it may be", example=False),
    Column("licence_export", Kind.BOOLEAN, "may be handed on", example=False),
    Column("sandbox", Kind.BOOLEAN, "what it shows now came from the built-in sandbox: the data are invented", example=False),
    Column("problem", Kind.TEXT, "what keeps the feed from being pulled; empty when nothing does", example=""),
    Column("last_run_status", Kind.TEXT, "running, complete, incomplete or failed; empty: never ran", example="complete"),
    Column("last_run_at", Kind.INSTANT, "when the last run began", nullable=True, example="2026-11-24T18:20:03Z"),
    Column("complete", Kind.INTEGER, "windows that hold all they should", example=364),
    Column("total", Kind.INTEGER, "windows pulled so far", example=365),
)
COVERAGE_COLUMNS = (
    Column("feed", Kind.TEXT, "which feed", example="pjm.rt_hrl_lmps"),
    Column("market_day", Kind.DAY, "the market's own day that the window is", example="2026-11-01"),
    Column("node_set", Kind.TEXT, "which nodes it is about: followed, all, list:<digest> or file:<digest>", example="followed"),
    Column("window_start", Kind.INSTANT, "the window's first instant", example="2026-11-01T04:00:00Z"),
    Column("window_end", Kind.INSTANT, "the first instant after it: 25 hours later where clocks go back", example="2026-11-02T05:00:00Z"),
    Column("expected", Kind.INTEGER, "rows the window should hold", example=575),
    Column("stored", Kind.INTEGER, "rows of these the store holds", example=570),
    Column("missing", Kind.INTEGER, "expected less stored", example=5),
    Column("status", Kind.TEXT, "complete, incomplete, running, failed, pending or lost", example="incomplete"),
    Column("reason", Kind.TEXT, "what is missing, or why nothing came; empty when all is there", example="5 of 575 rows are missing"),
    Column("sandbox", Kind.BOOLEAN, "the data came from the built-in sandbox", example=False),
    Column("checked_at", Kind.INSTANT, "the last pull that looked", example="2026-11-02T18:20:41Z"),
    Column("changed_at", Kind.INSTANT, "the last pull that stored something", example="2026-11-02T18:20:41Z"),
)


class KeyShape(serializers.ModelSerializer[APIKey]):
    class Meta:
        model = APIKey
        fields = ("name", "prefix", "scope", "created_at", "expires_at")


class MembershipShape(serializers.ModelSerializer[Membership]):
    owner_id = serializers.CharField(source="organisation.slug")
    name = serializers.CharField(source="organisation.name")
    sandbox = serializers.BooleanField(source="organisation.sandbox")

    class Meta:
        model = Membership
        fields = ("owner_id", "name", "sandbox", "role")


class MeShape(serializers.Serializer[Any]):
    username = serializers.CharField()
    organisations = MembershipShape(many=True)
    api_key = KeyShape(allow_null=True)


class PullBody(Body):
    """Which windows to pull, and why."""

    start = serializers.CharField(max_length=40, help_text="ISO-8601 with an offset; market days that the span touches are pulled whole")
    end = serializers.CharField(max_length=40, help_text="ISO-8601 with an offset, not included")
    nodes = Listed(
        child=serializers.CharField(max_length=80),
        required=False,
        allow_empty=False,
        max_length=1000,
        help_text="ids or names; left out: the nodes that this installation follows",
    )
    reason = serializers.CharField(max_length=500, help_text="kept with the run")


class PullShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="of the task; the logs of its run name it")
    feed = serializers.CharField()
    sandbox = serializers.BooleanField()
    start = serializers.DateTimeField(help_text="of whole market days")
    end = serializers.DateTimeField()
    windows = serializers.IntegerField(help_text="market days to pull")
    nodes = serializers.IntegerField(allow_null=True, help_text="how many; null: the feed has none")
    reason = serializers.CharField()
    coverage = serializers.CharField(help_text="the address that shows what has come in")


PULL_BODY_EXAMPLE = {
    "start": "2026-11-01T00:00:00-04:00",
    "end": "2026-11-02T00:00:00-05:00",
    "nodes": ["51288", "WESTERN HUB"],
    "reason": "the broker's figures differ",
}
PULL_EXAMPLE = {
    "id": "b0d5e6a2-6f0c-4a57-9b1e-3d7e1c9f2a10",
    "feed": "pjm.rt_hrl_lmps",
    "sandbox": False,
    "start": "2026-11-01T04:00:00Z",
    "end": "2026-11-02T05:00:00Z",
    "windows": 1,
    "nodes": 2,
    "reason": "the broker's figures differ",
    "coverage": "/api/v1/coverage?feed=pjm.rt_hrl_lmps&start_date=2026-11-01&end_date=2026-11-01",
}
