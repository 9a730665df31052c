"""The archive: what goes in comes out, byte for byte, or the damage is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.core.files.storage import storages

from energyopti.errors import ArchiveDamaged
from energyopti.feeds import archive


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.STORAGES = {
        **settings.STORAGES,
        "archive": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}},
    }
    return tmp_path


def test_plain_bytes_come_back() -> None:
    kept = archive.put(b"[1, 2, 3]" * 1000)
    assert archive.get(name=kept.name, sha256=kept.sha256) == b"[1, 2, 3]" * 1000
    assert kept.size == 9000


def test_gzip_is_kept_as_it_came(folder: Path) -> None:
    wire = gzip.compress(b"[]")
    kept = archive.put(b"[]", wire=wire, encoding="gzip")
    assert (folder / kept.name).read_bytes() == wire
    assert archive.get(name=kept.name, sha256=kept.sha256) == b"[]"


def test_the_same_answer_is_kept_once(folder: Path) -> None:
    assert archive.put(b"same").name == archive.put(b"same").name
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1


def test_a_file_that_a_dying_process_left_half_written_is_written_again(folder: Path) -> None:
    kept = archive.put(b"whole answer")
    (folder / kept.name).write_bytes(b"who")
    assert archive.get(name=(again := archive.put(b"whole answer")).name, sha256=again.sha256) == b"whole answer"


@pytest.mark.parametrize("damage", [b"", b"\x28\xb5\x2f\xfd\x00", b"no archive at all"])
def test_damage_is_named(folder: Path, damage: bytes) -> None:
    kept = archive.put(b"answer")
    (folder / kept.name).write_bytes(damage)
    with pytest.raises(ArchiveDamaged):
        archive.get(name=kept.name, sha256=kept.sha256)


def test_other_content_is_damage(folder: Path) -> None:
    kept, other = archive.put(b"answer"), archive.put(b"another")
    (folder / kept.name).write_bytes((folder / other.name).read_bytes())
    with pytest.raises(ArchiveDamaged, match="does not match its checksum"):
        archive.get(name=kept.name, sha256=kept.sha256)


def test_a_lost_file_is_damage() -> None:
    kept = archive.put(b"answer")
    archive.drop(kept.name)
    assert not storages["archive"].exists(kept.name)
    with pytest.raises(ArchiveDamaged, match="missing"):
        archive.get(name=kept.name, sha256=kept.sha256)
