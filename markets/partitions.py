"""Monthly partitions of the price tables, made on demand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection

from energyopti.db import login_connection

TABLES = ("lmp_block", "lmp_block_history")
_known: set[tuple[str, str, datetime]] = set()  # database, table, month: a partition that was there stays there


def ensure(start: datetime) -> None:
    """Make the partitions of the UTC month of `start`, in a session of its own, unless they are there.

    Safe against others who make the same month. A partition is made beside its table and attached: unlike
    CREATE TABLE … PARTITION OF, that waits for no reader and no writer of other months.
    """
    month = start.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    wanted = {(str(connection.settings_dict["NAME"]), table, month) for table in TABLES}
    if wanted <= _known:
        return
    with login_connection() as login, login.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('markets.partitions'))")  # let go of with the session
        for table in TABLES:
            cursor.execute("SELECT to_regclass(%s) IS NULL", [f"{table}_{month:%Y_%m}"])
            if cursor.fetchone()[0]:
                cursor.execute(_make(table, month))
    _known.update(wanted)


def _make(table: str, month: datetime) -> str:
    after = (month + timedelta(days=31)).replace(day=1)
    name = f"{table}_{month:%Y_%m}"
    # toast_tuple_target belongs to each partition: with it a block of 288 slots is one page
    return (
        f"BEGIN; CREATE TABLE {name} (LIKE {table} INCLUDING ALL) WITH (toast_tuple_target = 8160);"
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{month:%Y-%m-%d}Z') TO ('{after:%Y-%m-%d}Z'); COMMIT"
    )
