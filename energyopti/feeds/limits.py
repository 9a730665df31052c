"""One queue per upstream for all workers: a request waits for its turn, the most urgent first."""

from __future__ import annotations

import functools
import time
import uuid
from enum import IntEnum

import redis
from django.conf import settings

from energyopti.errors import NotConfigured

STALE_AFTER_MS = 5_000  # a waiter not heard of for so long has died and must not block the others
POLL_SECONDS = 1.0  # below STALE_AFTER_MS by far: each poll is a sign of life


class Priority(IntEnum):
    """The order in which waiting requests are served."""

    LIVE = 0
    GAP = 1
    RESTATEMENT = 2
    BACKFILL = 3


# KEYS: next free instant, waiters by urgency, waiters by last sign of life. ARGV: waiter, priority, delay, stale (ms).
# Answers 0 when it is this waiter's turn (and takes the turn), else the milliseconds to wait. Time is the server's own.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[4])) do
  redis.call('ZREM', KEYS[2], dead)
  redis.call('ZREM', KEYS[3], dead)
end
redis.call('ZADD', KEYS[2], 'NX', ARGV[2] * 1e13 + now, ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[1])
local free = tonumber(redis.call('GET', KEYS[1]) or 0)
local first = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
if first == ARGV[1] and now >= free then
  redis.call('SET', KEYS[1], string.format('%.0f', now + ARGV[3]), 'PX', ARGV[3] + 1000)
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
  return 0
end
return math.max(free - now, 20)
"""


@functools.cache
def _redis() -> redis.Redis:
    if not settings.REDIS_URL:
        raise NotConfigured("REDIS_URL is not set; start with `make run` or name a Redis server", field="REDIS_URL")
    return redis.Redis.from_url(settings.REDIS_URL)


def wait_turn(name: str, *, delay: float, priority: Priority) -> float:
    """Block until the upstream `name` may be asked once more; the seconds waited. `delay` 0 asks at once.

    Raises NotConfigured when Redis does not answer: without it workers would break the limit together.
    """
    if delay <= 0:
        return 0.0
    waiter, started = uuid.uuid4().hex, time.monotonic()
    keys = [f"limit:{name}:{part}" for part in ("free", "waiting", "alive")]
    try:
        while pause := int(_redis().eval(_TAKE, 3, *keys, waiter, int(priority), int(delay * 1000), STALE_AFTER_MS)):
            time.sleep(min(pause / 1000, POLL_SECONDS))
    except redis.RedisError as problem:
        raise NotConfigured(f"Redis does not answer ({problem}); start it, or correct REDIS_URL", field="REDIS_URL") from problem
    return time.monotonic() - started
