"""A file for any feed through the back office: looked at, confirmed, loaded by a task, and what was refused."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone
from django.utils.http import content_disposition_header
from kombu.exceptions import OperationalError

from energyopti.feeds import registry, tasks, uploads
from energyopti.feeds.models import Coverage, Payload, Quarantine, SyncRun, Upload
from energyopti.feeds.previews import preview
from energyopti.organisations.models import User
from tests.backoffice.people import office, staff
from tests.feeds.conftest import archive_folder  # noqa: F401
from tests.markets.feeds.samples import hourly

pytestmark = pytest.mark.django_db(transaction=True)

FEED, ADD, LIST = "pjm.rt_hrl_lmps", "/admin/feeds/upload/add/", "/admin/feeds/upload/"


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path, archive_folder: Path) -> Path:  # noqa: F811
    folder = tmp_path / "media"
    own = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "default": own}
    return folder


@pytest.fixture
def clerk() -> Client:
    return office(staff("clerk", "feeds.view_upload", "feeds.add_upload", "feeds.view_syncrun"))


@pytest.fixture
def reader() -> Client:
    return office(staff("reader", "feeds.view_upload"))


def day(**changes: Any) -> list[dict[str, Any]]:
    """The 24 hours of 2024-07-01 in the market (04:00 UTC to 04:00) at one node."""
    hours = [f"2024-07-0{1 + (4 + hour) // 24}T{(4 + hour) % 24:02}:00:00" for hour in range(24)]
    stamps = [{"datetime_beginning_utc": utc, "datetime_beginning_ept": f"2024-07-01T{n:02}:00:00"} for n, utc in enumerate(hours)]
    return [hourly(**stamp) | changes for stamp in stamps]


def text(rows: list[dict[str, Any]], **renamed: str) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([renamed.get(name, name) for name in rows[0]])
    writer.writerows(row.values() for row in rows)
    return out.getvalue().encode()


def broken() -> bytes:
    """Three of 24 rows cannot be read: the 4th, the 8th and the 10th."""
    rows = day()
    rows[3]["total_lmp_rt"] = "abc"
    rows[7]["datetime_beginning_ept"] = "2024-07-01T09:00:00"
    rows[9]["pnode_id"] = "=1+1"
    return text(rows)


def hand_over(client: Client, content: bytes, name: str = "july.csv", feed: str = FEED) -> Any:
    return client.post(ADD, {"feed": feed, "file": SimpleUploadedFile(name, content)}, follow=True)


def confirm(client: Client, upload: Upload, reason: str = "PJM's web page") -> Any:
    return client.post(f"{LIST}{upload.pk}/confirm/", {"reason": reason}, follow=True)


def loaded(client: Client, content: bytes, name: str = "july.csv") -> Upload:
    hand_over(client, content, name)
    confirm(client, Upload.objects.latest("pk"))
    return Upload.objects.latest("pk")


def left_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def points() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lmp_point WHERE feed = %s AND NOT sandbox AND total IS NOT NULL", [FEED])
        return int(cursor.fetchone()[0])


# --- looking ---------------------------------------------------------------------------------------


def test_a_file_is_shown_and_nothing_is_stored(clerk: Client, media: Path) -> None:
    page = hand_over(clerk, text(day()))
    upload = Upload.objects.get()
    assert (upload.status, upload.user.username, upload.preview["read"], upload.preview["refused"]) == ("checked", "clerk", 24, 0)
    assert upload.preview["rows"][0] == ["2024-07-01T04:00:00Z", "900001", "1", "31.5", "1.25", "0.25", "30"]
    assert (upload.preview["first"], upload.preview["last"]) == ("2024-07-01T04:00:00Z", "2024-07-02T03:00:00Z")
    for part in ("The first 20 rows as they were read", "24 rows read", "All 14 were found", "Load the file"):
        assert part in page.content.decode()
    assert not SyncRun.objects.exists()
    assert (points(), len(left_in(media))) == (0, 1)


def test_missing_unknown_and_renamed_columns_are_shown_one_by_one(clerk: Client, media: Path) -> None:
    page = hand_over(clerk, text(day(), total_lmp_rt="total_lmp", equipment="my notes")).content.decode()
    upload = Upload.objects.get()
    states = {(column["declared"], column["found"]): column["state"] for column in upload.preview["columns"] if column["state"] != "found"}
    assert states == {("total_lmp_rt", "total_lmp"): "renamed", ("equipment", ""): "missing", ("", "my notes"): "unknown"}
    assert (upload.status, left_in(media)) == ("unreadable", [])
    assert "missing equipment, total_lmp_rt" in page
    assert "Load the file" not in page


def test_bad_values_are_counted_by_column_with_the_first_row(clerk: Client) -> None:
    page = hand_over(clerk, broken()).content.decode()
    faults = {fault["field"]: (fault["rows"], fault["first_row"]) for fault in Upload.objects.get().preview["faults"]}
    assert faults == {"total_lmp_rt": (1, 4), "datetime_beginning_ept": (1, 8), "pnode_id": (1, 10)}
    assert "Rows that will be refused (3)" in page
    assert not Quarantine.objects.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x00\x01\x02 no table", "neither CSV, XLSX nor JSON"),
        (b"\xd0\xcf\x11\xe0 old", "old Excel workbook"),
        (b"PK\x03\x04 broken", "cannot be read"),
        (text(day()[:1]).splitlines()[0], "no rows in it"),
        (b'{"items": "no"}', ""),
    ],
)
def test_what_is_no_file_of_the_feed_is_refused_with_the_reason(clerk: Client, media: Path, content: bytes, reason: str) -> None:
    page = hand_over(clerk, content).content.decode()
    upload = Upload.objects.get()
    assert (upload.status, upload.stored, left_in(media)) == ("unreadable", "", [])
    assert upload.error
    assert reason in upload.error
    assert "Load the file" not in page
    assert confirm(clerk, upload).status_code == 200
    assert not SyncRun.objects.exists()


@pytest.mark.parametrize("size", [1_000_001, 1_900_000])
def test_a_file_that_is_too_large_is_refused(clerk: Client, media: Path, settings, size: int) -> None:
    settings.UPLOAD_MAX_MB = 1
    page = clerk.post(ADD, {"feed": FEED, "file": SimpleUploadedFile("big.csv", b"x" * size)})
    assert page.status_code == 413
    assert "at most 1 MB are taken (UPLOAD_MAX_MB)" in page.content.decode()
    assert (Upload.objects.count(), left_in(media)) == (0, [])


def test_an_empty_file_and_an_unknown_feed_are_refused(clerk: Client) -> None:
    assert "the file is empty" in hand_over(clerk, b"").content.decode()
    assert "pjm.nothing is not one of the available choices" in hand_over(clerk, text(day()), feed="pjm.nothing").content.decode()
    assert not Upload.objects.exists()


def test_a_name_with_a_path_in_it_leads_nowhere(clerk: Client, media: Path) -> None:
    hand_over(clerk, text(day()), name="../../etc/passwd")
    upload = Upload.objects.get()
    assert upload.name == "passwd"
    assert [path.parent for path in left_in(media)] == [media / "uploads"]


def test_a_large_file_is_read_from_the_disk_and_only_its_beginning_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("energyopti.feeds.files.CHUNK", 10)
    path = tmp_path / "export.csv"
    path.write_bytes(text(day()))
    seen = preview(registry.feed(FEED), path, "export.csv")
    assert (seen.read, seen.more, seen.error) == (10, True, "")


# --- loading ---------------------------------------------------------------------------------------


def test_a_confirmed_file_is_loaded_by_a_task(clerk: Client, media: Path, eager: None) -> None:
    upload = loaded(clerk, text(day()))
    run = SyncRun.objects.get()
    assert (run.trigger, run.user.username, run.reason, run.status, run.source) == (
        "file",
        "clerk",
        "PJM's web page",
        "complete",
        "july.csv",
    )
    assert (upload.status, upload.run, upload.windows_done, upload.summary["new"], upload.stored) == ("done", run, 1, 1, "")
    assert (points(), left_in(media)) == (24, [])
    page = clerk.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert "1 of 1 complete" in page
    assert "Nothing changed" not in page
    assert clerk.get(f"{LIST}{upload.pk}/progress/").json() == {"done": 1, "total": None, "text": "1 market days stored", "finished": True}


@pytest.mark.parametrize(("name", "pack"), [("july.csv.gz", gzip.compress), ("july.csv", bytes)])
def test_gzipped_or_not(clerk: Client, eager: None, name: str, pack: Any) -> None:
    assert loaded(clerk, pack(text(day())), name).status == "done"
    assert points() == 24


def test_the_same_file_again_changes_nothing_and_says_so(clerk: Client, eager: None) -> None:
    first = loaded(clerk, text(day()))
    before = Coverage.objects.values_list("stored", "changed_at").get()
    page = hand_over(clerk, text(day()), "again.csv").content.decode()
    assert "The same file was loaded for this feed before" in page
    assert f"{LIST}{first.pk}/change/" in page
    again = Upload.objects.latest("pk")
    assert "<strong>Nothing changed:</strong>" in confirm(clerk, again).content.decode()
    assert (points(), Coverage.objects.values_list("stored", "changed_at").get()) == (24, before)


def test_refused_rows_are_downloaded_word_for_word(clerk: Client, eager: None) -> None:
    content = broken()
    upload = loaded(clerk, content)
    assert (upload.status, upload.summary["quarantined"], points()) == ("done", 3, 21)
    answer = clerk.get(f"{LIST}{upload.pk}/refused.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    lines = content.decode().splitlines()
    assert [(row["row"], row["column"]) for row in rows] == [("4", "total_lmp_rt"), ("8", "datetime_beginning_ept"), ("10", "pnode_id")]
    assert [row["raw"] for row in rows] == [lines[4], lines[8], lines[10]]
    assert answer["Content-Disposition"] == 'attachment; filename="refused-july.csv.csv"'


def test_rows_that_an_earlier_file_had_refused_are_in_the_download_too(clerk: Client, eager: None) -> None:
    loaded(clerk, broken())
    again = loaded(clerk, broken() + b"\r\n", "again.csv")
    assert again.run.quarantine.count() == 0
    assert len(clerk.get(f"{LIST}{again.pk}/refused.csv").content.decode().splitlines()) == 4


def test_a_text_that_a_spreadsheet_would_run_is_made_harmless() -> None:
    assert [uploads._harmless(text) for text in ("=1+1", "@x", "＝1+1", "2024-07-01")] == [
        "'=1+1",
        "'@x",
        "'＝1+1",
        "2024-07-01",
    ]


def test_a_file_that_can_only_be_refused_fails_with_the_reason(clerk: Client, eager: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("energyopti.feeds.files.MAX_REJECTS", 2)
    upload = loaded(clerk, broken())
    assert (upload.status, points()) == ("failed", 0)
    assert "more than 2 rows do not fit" in upload.error
    assert len(clerk.get(f"{LIST}{upload.pk}/refused.csv").content.decode().splitlines()) == 3


def test_a_reason_is_required(clerk: Client, eager: None) -> None:
    hand_over(clerk, text(day()))
    page = confirm(clerk, Upload.objects.get(), reason=" ")
    assert page.status_code == 400
    assert (Upload.objects.get().status, SyncRun.objects.count()) == ("checked", 0)


def test_it_is_loaded_once_however_often_somebody_confirms(clerk: Client, eager: None) -> None:
    upload = loaded(clerk, text(day()))
    assert "Somebody has decided about this file already" in confirm(clerk, upload).content.decode()
    tasks.import_upload(upload.pk)  # a broker may deliver twice
    assert SyncRun.objects.count() == 1


def test_a_worker_that_died_is_followed_by_another(clerk: Client) -> None:
    hand_over(clerk, text(day()))
    Upload.objects.update(status="running", windows_done=7)
    tasks.import_upload(Upload.objects.get().pk)
    assert Upload.objects.values_list("status", "windows_done").get() == ("done", 1)


def test_an_error_of_ours_ends_the_upload_and_is_raised(clerk: Client, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over(clerk, text(day()))
    Upload.objects.update(status="queued")
    monkeypatch.setattr(uploads, "import_file", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tasks.import_upload(Upload.objects.get().pk)
    assert (Upload.objects.get().status, left_in(media)) == ("failed", [])
    assert "an error inside EnergyOpti" in Upload.objects.get().error


def test_a_file_that_is_gone_is_said(clerk: Client, media: Path) -> None:
    hand_over(clerk, text(day()))
    Upload.objects.update(status="queued")
    for path in left_in(media):
        path.unlink()
    tasks.import_upload(Upload.objects.get().pk)
    assert (Upload.objects.get().status, Upload.objects.get().error) == ("failed", "the file is gone from the storage; upload it again")


# --- letting go ------------------------------------------------------------------------------------


def test_a_discarded_file_is_gone(clerk: Client, media: Path) -> None:
    hand_over(clerk, text(day()))
    clerk.post(f"{LIST}{Upload.objects.get().pk}/discard/")
    assert (Upload.objects.get().status, left_in(media), SyncRun.objects.count()) == ("discarded", [], 0)


def test_files_that_nobody_confirms_and_whose_worker_died_go_after_their_time(clerk: Client, media: Path) -> None:
    for number, status in enumerate(["checked", "running"]):
        hand_over(clerk, text(day()), f"{number}.csv")
        Upload.objects.filter(name=f"{number}.csv").update(status=status)
    now = timezone.now()
    assert (uploads.clean_up(now=now), len(left_in(media))) == (0, 2)
    assert uploads.clean_up(now=now + timedelta(hours=25)) == 1
    assert uploads.clean_up(now=now + timedelta(hours=49)) == 1
    assert (list(Upload.objects.order_by("name").values_list("status", flat=True)), left_in(media)) == (["discarded", "failed"], [])


def test_a_waiting_upload_without_its_file_is_refused_by_the_database(clerk: Client) -> None:
    hand_over(clerk, text(day()))
    with pytest.raises(IntegrityError, match="upload_kept_while_needed"):
        Upload.objects.update(stored="")


# --- who may ---------------------------------------------------------------------------------------


def test_who_may_only_look_changes_nothing(clerk: Client, reader: Client, media: Path, eager: None) -> None:
    hand_over(clerk, text(day()))
    upload = Upload.objects.get()
    page = reader.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert "july.csv" in page
    assert "Load the file" not in page
    codes = [hand_over(reader, text(day())), confirm(reader, upload), reader.post(f"{LIST}{upload.pk}/discard/")]
    assert [answer.status_code for answer in codes] == [403, 403, 403]
    assert (Upload.objects.get().status, SyncRun.objects.count(), len(left_in(media))) == ("checked", 0, 1)


def test_strangers_see_no_upload_and_no_refused_row(clerk: Client, client: Client, eager: None) -> None:
    upload = loaded(clerk, broken())
    client.force_login(User.objects.create_user("trader"))
    nobody = office(staff("nobody"))
    paths = [f"{LIST}{upload.pk}/{step}" for step in ("change/", "progress/", "refused.csv")]
    assert {client.get(path).status_code for path in paths} == {302}
    assert {nobody.get(path).status_code for path in paths} == {404}


def test_looking_loads_and_discards_nothing(clerk: Client) -> None:
    hand_over(clerk, text(day()))
    pk = Upload.objects.get().pk
    assert [clerk.get(f"{LIST}{pk}/{step}/").status_code for step in ("confirm", "discard")] == [405, 405]
    assert Upload.objects.get().status == "checked"


def test_a_form_from_elsewhere_is_refused(media: Path) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("boss"))
    answer = strict.post(ADD, {"feed": FEED, "file": SimpleUploadedFile("july.csv", text(day()))})
    assert (answer.status_code, Upload.objects.count(), left_in(media)) == (403, 0, [])


def test_a_first_real_file_over_sandbox_data_is_announced(clerk: Client, settings) -> None:
    settings.SANDBOX, settings.SANDBOX_URL, settings.PJM_API_KEY = "auto", "http://127.0.0.1:9", ""
    assert "shows sandbox data now" in hand_over(clerk, text(day())).content.decode()
    settings.PJM_API_KEY = "a-real-key"
    assert "shows sandbox data now" not in hand_over(clerk, text(day())).content.decode()


def test_the_archive_keeps_the_file(clerk: Client, eager: None) -> None:
    upload = loaded(clerk, text(day()))
    assert Payload.objects.get().run == upload.run


@pytest.mark.parametrize("name", ["***.csv", "цены.csv", 'a"b.csv', "(1).csv"])
def test_refused_rows_of_a_file_of_any_name_are_downloaded_under_it(clerk: Client, eager: None, name: str) -> None:
    answer = clerk.get(f"{LIST}{loaded(clerk, broken(), name).pk}/refused.csv")
    assert (answer.status_code, len(answer.content.decode().splitlines())) == (200, 4)
    assert answer["Content-Disposition"] == content_disposition_header(True, f"refused-{name}.csv")


def test_a_long_name_in_another_script_is_loaded(clerk: Client, eager: None) -> None:
    """200 letters of it are 400 bytes: more than a file system takes."""
    upload = loaded(clerk, text(day()), "цены" * 50 + ".csv")
    assert (upload.status, upload.error) == ("done", "")
    assert (upload.name[:4], upload.name[-4:]) == ("цены", ".csv")


def test_a_broker_that_is_away_is_said_and_the_file_waits_again(clerk: Client, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over(clerk, text(day()))
    upload = Upload.objects.get()
    monkeypatch.setattr(tasks.import_upload, "delay", mock.Mock(side_effect=OperationalError))
    page = confirm(clerk, upload)
    upload.refresh_from_db()
    assert (page.status_code, "No worker can be told just now" in page.content.decode(), upload.status) == (200, True, "checked")


def test_a_row_that_the_database_cannot_keep_is_refused(clerk: Client) -> None:
    page = hand_over(clerk, text(day()) + b"x" * 5000 + b"\nx\0y\n")
    assert (page.status_code, Upload.objects.get().status) == (200, "unreadable")
