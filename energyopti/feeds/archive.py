"""Raw answers as they came, by checksum, behind Django's storage API (STORAGES["archive"])."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

import zstandard
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from energyopti.errors import ArchiveDamaged

MAX_DECODED = 1 << 31  # an archived answer never needs more; a damaged frame must not ask for all memory


@dataclass(frozen=True, slots=True)
class Archived:
    """Where an answer lies: `name` in the storage, `sha256` of the packed bytes there, `size` of the decoded ones."""

    name: str
    sha256: str
    size: int


def _storage() -> Storage:
    return storages["archive"]


def put(body: bytes, *, wire: bytes = b"", encoding: str = "") -> Archived:
    """Keep `body` compressed. An answer that came as gzip is kept in the bytes that came: compressing twice costs more than parsing."""
    suffix, packed = ("gz", wire) if encoding == "gzip" and wire else ("zst", zstandard.compress(body, level=1))
    sha256 = hashlib.sha256(packed).hexdigest()  # of the packed bytes: a tenth of the work, and unpacking checks the rest
    return Archived(_write(f"{sha256[:2]}/{sha256[2:4]}/{sha256}.{suffix}", packed), sha256, len(body))


def _write(name: str, packed: bytes) -> str:
    storage = _storage()
    if storage.exists(name):
        if storage.size(name) == len(packed):
            return name
        storage.delete(name)  # a process died while it wrote this file
    return storage.save(name, ContentFile(packed))


def get(*, name: str, sha256: str) -> bytes:
    """The decoded bytes. Raises ArchiveDamaged when they are gone or are not what was put there."""
    try:
        with _storage().open(name) as file:
            packed = file.read()
    except FileNotFoundError:
        raise ArchiveDamaged(f"the archived answer {name} is missing") from None
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise ArchiveDamaged(f"the archived answer {name} does not match its checksum")
    try:
        return zlib.decompress(packed, wbits=31) if name.endswith(".gz") else _unzstd(packed)
    except (zlib.error, zstandard.ZstdError) as problem:
        raise ArchiveDamaged(f"the archived answer {name} cannot be unpacked: {problem}") from None


def _unzstd(packed: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_DECODED)


def drop(name: str) -> None:
    """Forget an answer for good (retention)."""
    _storage().delete(name)
