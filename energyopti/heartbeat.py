"""A worker's sign of life: one key in Redis, cheap to write and to read."""

from __future__ import annotations

import functools

import redis
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

KEY = "energyopti:worker:alive"
EVERY_SECONDS = 5.0
LIVES_SECONDS = 20


@functools.cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2)


def beat() -> None:
    """Never raises: a pause of Redis must not end the worker."""
    try:
        _redis().set(KEY, "1", ex=LIVES_SECONDS)
    except redis.RedisError as problem:
        log.warning("heartbeat.failed", reason=str(problem))


def stop() -> None:
    """Others that live write the key again within seconds."""
    try:
        _redis().delete(KEY)
    except redis.RedisError as problem:
        log.warning("heartbeat.failed", reason=str(problem))


def age() -> float | None:
    """Seconds since the last beat; None where no worker was heard of lately. Raises redis.RedisError."""
    left = _redis().pttl(KEY)
    return LIVES_SECONDS - left / 1000 if left > 0 else None


def waiting(queue: str) -> int:
    """Tasks in a queue that nobody has taken. Raises redis.RedisError."""
    return int(_redis().llen(queue))


def alive() -> bool:
    """Whether a worker was heard of lately. Raises redis.RedisError where Redis does not answer."""
    return bool(_redis().exists(KEY))
