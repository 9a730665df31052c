"""A person's file on its way in: kept aside, looked at, loaded on their word by a worker, and let go."""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from energyopti.errors import EnergyOptiError, InvalidInput
from energyopti.feeds import archive, files, registry
from energyopti.feeds.feed import Feed
from energyopti.feeds.imports import import_file
from energyopti.feeds.models import SyncRun, Upload
from energyopti.feeds.previews import preview
from energyopti.feeds.progress import Silent
from energyopti.feeds.table import Reject

if TYPE_CHECKING:
    from energyopti.organisations.models import User

log = structlog.get_logger(__name__)

Status = Upload.Status
FOLDER = "uploads"
MEGABYTE = 1_000_000
UNCONFIRMED_FOR = timedelta(days=1)  # then the file goes
ABANDONED_AFTER = timedelta(days=1)  # a worker that took it has died: none works so long on one file
UNDER_WAY = (Status.QUEUED, Status.RUNNING)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four: the same, full-width
LONGEST_NAME = 200  # bytes: a file system takes 255


class TooLarge(InvalidInput):
    """A file over UPLOAD_MAX_MB."""

    code = "too-large"
    status = 413


def keep(*, feed: Feed, file: File[Any], name: str, user: User) -> Upload:
    """Put the file aside and look into it; nothing of it is stored as data. Raises TooLarge, InvalidInput for an empty one."""
    check_size(file.size)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    seen = preview(feed, _source(file), name)
    stored = default_storage.save(f"{FOLDER}/{uuid.uuid4().hex}", file) if seen.loadable else ""
    return Upload.objects.create(
        feed=feed.name,
        name=_short(name),
        stored=stored,
        size=file.size,
        sha256=digest.hexdigest(),
        preview=seen.as_json(),
        error=seen.error,
        status=Status.CHECKED if seen.loadable else Status.UNREADABLE,
        user=user,
        finished_at=None if seen.loadable else timezone.now(),
    )


def check_size(size: int) -> None:
    limit = settings.UPLOAD_MAX_MB
    if size > limit * MEGABYTE:
        raise TooLarge(
            f"the file has {size / MEGABYTE:.1f} MB; at most {limit} MB are taken (UPLOAD_MAX_MB). Split it by days.", field="file"
        )
    if not size:
        raise InvalidInput("the file is empty", field="file")


def _source(file: File[Any]) -> Path | bytes:
    """A large upload lies on disk already and is read from there."""
    if path := getattr(file, "temporary_file_path", None):
        return Path(path())
    file.seek(0)
    content: bytes = file.read()
    file.seek(0)
    return content


def _short(name: str) -> str:
    """The name's end tells more than its middle."""
    coded = Path(name).name.encode()
    if len(coded) <= LONGEST_NAME:
        return coded.decode()
    return f"{coded[:150].decode(errors='ignore')}~{coded[-49:].decode(errors='ignore')}"


def confirm(*, upload: Upload, user: User, reason: str) -> bool:
    """Load it: False when somebody was faster, or discarded it. The caller sends the work to a worker after the commit."""
    waiting = Upload.objects.filter(pk=upload.pk, status=Status.CHECKED)
    return bool(waiting.update(status=Status.QUEUED, user=user, reason=reason))


def take_back(*, upload: Upload) -> None:
    """A confirmed file of which no worker was told waits for its person again."""
    Upload.objects.filter(pk=upload.pk, status=Status.QUEUED).update(status=Status.CHECKED)


def discard(*, upload: Upload, now: datetime) -> bool:
    """Let the file go without loading it: False when it is no longer waiting."""
    return _end(upload.pk, Status.DISCARDED, now=now, only=(Status.CHECKED,))


def work(upload_id: int) -> None:
    """Load a confirmed file. A second worker that gets the same file, after a crash of the first, goes on with it."""
    if not Upload.objects.filter(pk=upload_id, status__in=UNDER_WAY).update(status=Status.RUNNING, windows_done=0):
        log.info("upload.not_waiting", upload=upload_id)
        return
    upload = Upload.objects.select_related("user").get(pk=upload_id)
    try:
        _load(upload)
    except EnergyOptiError as problem:
        _end(upload_id, Status.FAILED, now=timezone.now(), error=problem.detail)
    except Exception:
        _end(upload_id, Status.FAILED, now=timezone.now(), error="an error inside EnergyOpti; its log says more")
        raise


def _load(upload: Upload) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(upload.name).name or "file")
        try:
            with default_storage.open(upload.stored) as kept, path.open("wb") as copy:
                shutil.copyfileobj(kept, copy, 1 << 20)
        except FileNotFoundError:
            raise InvalidInput("the file is gone from the storage; upload it again", field="file") from None
        feed = registry.feed(upload.feed)
        summary = import_file(feed, path, user=upload.user, reason=upload.reason, progress=_Counted(upload.pk))
    failed = summary.status == SyncRun.Status.FAILED
    told: dict[str, Any] = {"summary": asdict(summary), "run_id": summary.run_id, "error": summary.error}
    _end(upload.pk, Status.FAILED if failed else Status.DONE, now=timezone.now(), **told)


class _Counted(Silent):
    """Tells the page how many windows are stored."""

    def __init__(self, upload_id: int) -> None:
        self.rows = Upload.objects.filter(pk=upload_id)

    def windows(self, done: int) -> None:
        self.rows.update(windows_done=F("windows_done") + done)


def _end(upload_id: int, status: Status, *, now: datetime, only: Iterable[Status] = UNDER_WAY, **values: Any) -> bool:
    """The upload's last state; its file goes after the commit (what was loaded lies in the archive)."""
    with transaction.atomic():
        row = Upload.objects.select_for_update().filter(pk=upload_id, status__in=list(only)).first()
        if row is None:
            return False
        stored = row.stored
        Upload.objects.filter(pk=upload_id).update(status=status, stored="", finished_at=now, **values)
        transaction.on_commit(lambda: default_storage.delete(stored) if stored else None)
    return True


def clean_up(*, now: datetime) -> int:
    """Let go of files that nobody confirmed for a day, and of those whose worker died; how many."""
    old = Upload.objects.exclude(stored="").order_by("pk")
    unconfirmed = old.filter(status=Status.CHECKED, created_at__lt=now - UNCONFIRMED_FOR)
    dead = old.filter(status__in=UNDER_WAY, created_at__lt=now - UNCONFIRMED_FOR - ABANDONED_AFTER)
    gone = sum(discard(upload=upload, now=now) for upload in unconfirmed)
    return gone + sum(_end(upload.pk, Status.FAILED, now=now, error="no worker finished it; upload the file again") for upload in dead)


# --- what was refused ------------------------------------------------------------------------------


def refused(upload: Upload) -> list[Reject]:
    """Every refused row of a loaded file, also those that an earlier file had refused already. Raises ArchiveDamaged.

    The archive keeps the file: reading it again is exact, while the quarantine keeps each row once, under its first run.
    """
    payload = upload.run.payloads.first() if upload.run else None
    if payload is None:
        return []
    feed, content = registry.feed(upload.feed), archive.get(name=payload.name, sha256=payload.sha256)
    try:
        return list(files.read(feed, content, upload.name).rejects)
    except EnergyOptiError:  # refused as a whole: too many rows that do not fit
        return list(_first_refused(feed, content, upload.name))


def _first_refused(feed: Feed, content: bytes, name: str) -> Iterator[Reject]:
    left = files.MAX_REJECTS
    try:
        for table in files.read_chunks(feed, content, name):
            yield from table.rejects[:left]
            left -= len(table.rejects[:left])
    except EnergyOptiError:
        return


def as_csv(rejects: Iterable[Reject]) -> str:
    """Row, column, code, reason and the raw text. A text that a spreadsheet would run as a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["row", "column", "code", "reason", "raw"])
    writer.writerows([reject.row, reject.field, reject.code, _harmless(reject.reason), _harmless(reject.raw)] for reject in rejects)
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
