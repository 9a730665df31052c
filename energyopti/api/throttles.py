"""How much anybody may ask for: a budget over a moving window, counted in Redis for all web processes together.

A program has one a key, a person in a browser one for all sessions, a stranger one an address. The window is limits'
sliding counter: what was asked in the last window fades out evenly, so nothing comes back with a jump at the full minute.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import redis
import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from redis.exceptions import NoScriptError
from rest_framework.exceptions import NotAcceptable, Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from energyopti import addresses
from energyopti.api import formats
from energyopti.organisations.models import APIKey

if TYPE_CHECKING:  # DRF's views read the settings that name this module
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)

STREAM_COST = 10  # an answer that streams a whole window holds a thread and a connection for as long as it lasts
TIMEOUT_SECONDS = 0.25  # a Redis that hangs may not hang the API
AWAY_SECONDS = 5.0  # so long a Redis that failed is not asked
TOLD_EVERY_SECONDS = 60.0
REFUSED_EARLY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_ACCEPTABLE)  # DRF asks for a budget after these

_clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left after a request. `before` and `now`: what the last window and this one have cost; both fade, see the module."""

    limit: int
    window: int  # seconds
    allowed: bool
    before: int
    before_fades: float  # seconds until the last window counts no more
    now: int
    now_fades: float  # seconds until this one counts no more: up to two windows

    @property
    def remaining(self) -> int:
        return max(0, self.limit - math.floor(self.before * self.before_fades / self.window) - self.now)

    @property
    def reset(self) -> int:
        """Seconds until all of it is back, if nobody asks meanwhile."""
        return math.ceil(max(self.before_fades if self.before else 0.0, self.now_fades if self.now else 0.0))

    def wait(self, cost: int) -> int:
        """Seconds until a request of this cost is let through."""
        room = self.limit - self.now - cost
        if room >= 0:  # it is the last window's share that has to fade
            seconds = self.before_fades - self.window * (room + 1) / self.before if self.before else 0.0
        else:  # this window must become the last one, and then fade
            seconds = self.now_fades - self.window * min(1.0, (self.limit - cost + 1) / self.now)
        return max(1, math.floor(seconds) + 1)


class _Storage(RedisStorage):
    """limits takes in one round trip and tells what is left in a second: here both scripts go in one."""

    @property
    def _client(self) -> redis.Redis:
        return cast(redis.Redis, self.get_connection())

    def take(self, item: RateLimitItem, who: str, cost: int) -> Budget:
        key = item.key_for(who)
        keys = [self.prefixed_key(name) for name in (self._previous_window_key(key), self._current_window_key(key))]
        try:
            answers = self._ask(item, keys, cost)
        except NoScriptError:  # the first request after a start of Redis
            for script in (self.lua_acquire_sliding_window, self.lua_sliding_window):
                self._client.script_load(script.script)
            answers = self._ask(item, keys, cost)
        before, before_ms, now, now_ms = (max(0, int(value or 0)) for value in answers[1])
        return Budget(item.amount, item.get_expiry(), bool(answers[0]), before, before_ms / 1000, now, now_ms / 1000)

    def _ask(self, item: RateLimitItem, keys: list[str], cost: int) -> list[Any]:
        pipe = self._client.pipeline(transaction=False)
        pipe.evalsha(self.lua_acquire_sliding_window.sha, 2, *keys, item.amount, item.get_expiry(), cost)
        pipe.evalsha(self.lua_sliding_window.sha, 2, *keys, item.get_expiry())
        return pipe.execute()


@functools.cache
def _storage(url: str) -> _Storage:
    return _Storage(url, key_prefix="energyopti:budget", socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)


@functools.cache
def rate(name: str, text: str) -> RateLimitItem:
    """`600/minute`, `10 per 2 seconds`. Raises ImproperlyConfigured with the setting's name."""
    try:
        item = parse(text)
    except ValueError:
        item = None
    if item is None or item.amount < 1:
        raise ImproperlyConfigured(f"{name} is {text!r}; write for example 600/minute")
    return item


def check_settings() -> None:
    """Raises ImproperlyConfigured."""
    for name in ("API_RATE", "API_STRANGER_RATE"):
        rate(name, getattr(settings, name))


@dataclass(slots=True)
class _Outage:
    """What this process remembers of a Redis that did not answer."""

    until: float = -math.inf
    told: float = -math.inf

    def began(self, reason: str) -> None:
        now = _clock()
        self.until = now + AWAY_SECONDS
        if now >= self.told + TOLD_EVERY_SECONDS:
            self.told = now
            log.warning("throttle.away", reason=reason)


@functools.cache
def _outage(url: str) -> _Outage:
    return _Outage()


class Throttle(BaseThrottle):
    """DRF's way in."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.pause = spend(request, cost=STREAM_COST if _streams(request, view) else 1)
        return self.pause is None

    def wait(self) -> float | None:
        return self.pause


def _streams(request: Request, view: APIView) -> bool:
    """Whether the answer will be a table's whole window, as far as the address and the headers say it; see spend_on_stream."""
    if request.method != "GET" or not hasattr(view, "columns"):
        return False
    try:
        return formats.chosen(request, request.query_params.get("format")) != "json"
    except NotAcceptable:
        return False


def spend(request: Request, *, cost: int = 1) -> float | None:
    """Take from the budget of whoever asks, once a request; None when it was there, else the seconds until it will be."""
    if _spent(request) is not None:
        return None
    who, item = _who(request)
    budget = _take(item, who, min(cost, item.amount))
    request._request._budget = budget  # type: ignore[attr-defined]  # `headers` reads it
    return None if budget is None or budget.allowed else float(budget.wait(min(cost, item.amount)))


def spend_on_stream(request: Request) -> None:
    """What an answer that streams costs more, where only the body said that it does. Raises Throttled."""
    _, item = _who(request)
    more = min(STREAM_COST, item.amount) - 1
    if not more or _spent(request) is None:
        return
    request._request._budget = None  # type: ignore[attr-defined]  # what it has cost so far is counted there, in Redis
    if (pause := spend(request, cost=more)) is not None:
        raise Throttled(wait=pause)


def spend_on_refusal(request: Request) -> Throttled | None:
    """Who is refused before the throttles were asked (no key, a wrong one, too small a scope) pays, too."""
    pause = spend(request)
    return None if pause is None else Throttled(wait=pause)


def headers(request: Request) -> dict[str, str]:
    """What every answer says of the budget (IETF draft RateLimit fields); nothing while Redis is away."""
    budget = _spent(request)
    if budget is None:
        return {}
    return {
        "RateLimit-Limit": str(budget.limit),
        "RateLimit-Remaining": str(budget.remaining if budget.allowed else 0),
        "RateLimit-Reset": str(budget.reset),
        "RateLimit-Policy": f"{budget.limit};w={budget.window}",
    }


def _spent(request: Request) -> Budget | None:
    return getattr(request._request, "_budget", None)


def _take(item: RateLimitItem, who: str, cost: int) -> Budget | None:
    """None while Redis is away: the API then stands without its budgets rather than not at all."""
    url = settings.REDIS_URL
    if not url or _clock() < _outage(url).until:
        return None
    try:
        return _storage(url).take(item, who, cost)
    except (redis.RedisError, OSError, ValueError) as problem:
        _outage(url).began(type(problem).__name__)  # its words may hold the address and a password
        return None


def _who(request: Request) -> tuple[str, RateLimitItem]:
    """Nobody is authenticated here: who was refused before that is a stranger."""
    key, user = getattr(request, "_auth", None), getattr(request, "_user", None)
    if user is None or not user.is_authenticated:
        return f"address:{addresses.counted_as(request.META.get('REMOTE_ADDR', '')) or 'unknown'}", rate(
            "API_STRANGER_RATE", settings.API_STRANGER_RATE
        )
    return f"key:{key.pk}" if isinstance(key, APIKey) else f"user:{user.pk}", rate("API_RATE", settings.API_RATE)
