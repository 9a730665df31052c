"""The feeds and upstreams that the installed apps contribute.

An AppConfig names them by string: `feeds = "markets.feeds.pjm:FEEDS"`, `upstreams = "markets.feeds.dataminer:UPSTREAMS"`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.utils.module_loading import import_string

from energyopti.errors import UnknownFeed
from energyopti.feeds.feed import Feed, Upstream


def contributed(attribute: str) -> Iterator[Any]:
    """What the apps' collections of this name hold, app by app."""
    for config in apps.get_app_configs():
        named = getattr(config, attribute, ())
        for name in (named,) if isinstance(named, str) else named:
            yield from import_string(name.replace(":", "."))


@functools.cache
def feeds() -> dict[str, Feed]:
    """Every declared feed by its name, in alphabetical order."""
    return {feed.name: feed for feed in sorted(contributed("feeds"), key=lambda feed: feed.name)}


@functools.cache
def upstreams() -> dict[str, Upstream]:
    return {upstream.name: upstream for upstream in contributed("upstreams")}


def feed(name: str) -> Feed:
    """Raises UnknownFeed, naming the known ones."""
    try:
        return feeds()[name]
    except KeyError:
        raise UnknownFeed(f"no feed is called {name!r}; known are {', '.join(feeds())}", field="feed") from None


def upstream(name: str) -> Upstream:
    return upstreams()[name]
