"""The shapes of answers, as the schema tells them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from energyopti.organisations.models import APIKey, Membership


class LicenceShape(serializers.Serializer[Any]):
    text = serializers.CharField()
    url = serializers.URLField()
    display = serializers.BooleanField(help_text="may be shown outside the organisation that pulled it")
    derive = serializers.BooleanField(help_text="figures derived from it may be")
    export = serializers.BooleanField(help_text="may be handed on")


class FeedShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    upstream = serializers.CharField()
    cadence = serializers.CharField(help_text="crontab line, market-local time")
    licence = LicenceShape()
    sandbox = serializers.BooleanField(help_text="answered by the built-in sandbox now: its data are invented")
    problem = serializers.CharField(help_text="what keeps the feed from being pulled; empty when nothing does")
    last_run_status = serializers.CharField(help_text="empty: never ran")
    last_run_at = serializers.DateTimeField(allow_null=True)
    complete = serializers.IntegerField(help_text="windows that hold all they should")
    total = serializers.IntegerField(help_text="windows pulled so far")


class MetaShape(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]  # the name is the contract's
    licence = serializers.CharField(allow_null=True)
    sandbox = serializers.BooleanField()
    freshness = serializers.DateTimeField(allow_null=True)
    complete = serializers.BooleanField(allow_null=True)


class FeedListShape(serializers.Serializer[Any]):
    results = FeedShape(many=True)
    next = serializers.URLField(allow_null=True)
    meta = MetaShape()


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
