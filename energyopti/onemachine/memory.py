"""How much memory PostgreSQL may take on this machine: modest, because web, worker and a desktop share it."""

from __future__ import annotations

from pathlib import Path

import psutil

MB = 1 << 20


def available() -> int:
    """Bytes of this machine, or of the container we are in when that is less."""
    total = int(psutil.virtual_memory().total)
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            total = min(total, int(limit.read_text()))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return total


def postgres_settings() -> dict[str, str]:
    memory = available()
    return {
        "shared_buffers": _share(memory, 8, at_least=64, at_most=2048),
        "effective_cache_size": _share(memory, 2, at_least=256, at_most=32_768),
        "maintenance_work_mem": _share(memory, 32, at_least=32, at_most=512),
        "work_mem": _share(memory, 512, at_least=4, at_most=32),
        "max_wal_size": "4GB",
        "random_page_cost": "1.1",  # solid state
        "jit": "off",  # compiles longer than our queries run
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_duration_statement": "2s",
        "log_parameter_max_length": "0",  # a value may be a secret
    }


def _share(memory: int, part: int, *, at_least: int, at_most: int) -> str:
    return f"{min(max(memory // part // MB, at_least), at_most)}MB"
