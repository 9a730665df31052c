"""The auditor's export: the ledger, or one organisation's part of it, as a ZIP that proves itself with Python alone.

Every file is streamed from COPY into the archive, out of one snapshot: neither rows nor files are held in memory. The pack of an
organisation is read as the application's role, so that row policies decide what it holds.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import IsolationLevel, sql

from energyopti.db import APP_ROLE, login_connection
from energyopti.errors import NotConfigured
from energyopti.organisations.models import Organisation
from recs.errors import Busy
from recs.proof import seal, verify_pack
from recs.proof.pack_files import files

VERIFIER = Path(verify_pack.__file__)
HOW = "python -I verify_pack.py PACK.zip  (Python 3.11 or later, nothing else; take verify_pack.py from where you trust it)"


def temporary(*, organisation: Organisation | None) -> IO[bytes]:
    """A pack in a nameless file that is gone when it is closed, at its beginning. `organisation` None: all. Raises NotConfigured."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- whoever sends it closes it
    try:
        write(file, organisation=organisation)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def write(file: IO[bytes], *, organisation: Organisation | None) -> dict[str, Any]:
    """Write a pack, sealed up to now where that is possible; its manifest. Raises NotConfigured."""
    with suppress(Busy):  # then the newest seal is older, and the pack says so
        seal.seal()
    with login_connection() as own, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        own.ensure_connection()
        session: psycopg.Connection[Any] = own.connection
        session.isolation_level, session.read_only = IsolationLevel.REPEATABLE_READ, True
        with session.transaction(), session.cursor() as cursor:
            _see(cursor, organisation)
            manifest = _manifest(cursor, organisation)
            for name, query in files(whole=organisation is None).items():
                manifest["files"][f"{name}.csv"] = _copied(cursor, archive, f"{name}.csv", query)
        source = VERIFIER.read_bytes()
        archive.writestr(VERIFIER.name, source)
        manifest["files"][VERIFIER.name] = {"sha256": hashlib.sha256(source).hexdigest()}
        archive.writestr("manifest.json", json.dumps(manifest, indent=1))
    return manifest


def _see(cursor: psycopg.Cursor[Any], organisation: Organisation | None) -> None:
    """From here on the session sees all rows, or what the organisation sees."""
    cursor.execute("SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true), set_config('row_security', %s, true)",
                   ["off" if organisation is None else "on"])  # fmt: skip
    if organisation is None:
        return
    try:
        cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(APP_ROLE)))
    except psycopg.Error as problem:
        raise NotConfigured(f"the pack of an organisation is read as the role {APP_ROLE}: {str(problem).splitlines()[0]}") from problem
    cursor.execute("SELECT set_config('app.organisation', %s, true)", [f"{{{organisation.pk}}}"])


def _manifest(cursor: psycopg.Cursor[Any], organisation: Organisation | None) -> dict[str, Any]:
    name, version = verify_pack.FORMAT
    cursor.execute("SELECT id, encode(digest, 'hex'), entries, commands, created_at FROM recs_seal ORDER BY id DESC LIMIT 1")
    newest = cursor.fetchone()
    return {
        "format": name,
        "format_version": version,
        "made_at": _told(datetime.now(UTC)),
        "organisation": None if organisation is None else organisation.slug,
        "how_to_verify": HOW,
        "proves": verify_pack.CHECKS
        if organisation is None
        else {k: v for k, v in verify_pack.CHECKS.items() if k not in verify_pack.UNPROVED},
        "cannot_prove": {} if organisation is None else verify_pack.UNPROVED,
        "newest_seal": newest
        and {"id": newest[0], "digest": newest[1], "entries": newest[2], "commands": newest[3], "created_at": _told(newest[4])},
        "files": {},
    }


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _copied(cursor: psycopg.Cursor[Any], archive: zipfile.ZipFile, name: str, query: str) -> dict[str, Any]:
    """A query's rows as a CSV of the archive; how many they are, and the file's checksum."""
    digest = hashlib.sha256()
    with archive.open(name, "w", force_zip64=True) as file, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as rows:
        for piece in rows:
            digest.update(piece)
            file.write(piece)
    return {"rows": cursor.rowcount, "sha256": digest.hexdigest()}
