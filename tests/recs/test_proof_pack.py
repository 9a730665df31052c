"""The auditor's pack: what it holds, that it proves itself, and that it does not when something in it was changed."""

from __future__ import annotations

import ast
import copy
import csv
import hashlib
import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st

from energyopti.organisations.models import Organisation
from recs.proof import pack, seal, verify_pack
from tests.recs.lived import ODD, Lived

pytestmark = pytest.mark.django_db

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def whole(it: Lived, django_db_blocker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packs") / "whole.zip"
    with django_db_blocker.unblock(), path.open("wb") as file:
        pack.write(file, organisation=None)
    return path


@pytest.fixture(scope="module")
def east(it: Lived, django_db_blocker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packs") / "east.zip"
    with django_db_blocker.unblock(), path.open("wb") as file:
        pack.write(file, organisation=Organisation.objects.get(slug="east"))
    return path


def rows(path: Path, name: str) -> Rows:
    with zipfile.ZipFile(path) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(f"{name}.csv").decode(), newline="")))


def manifest(path: Path) -> dict:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("manifest.json"))


def verify(path: Path, *options: str, program: Path | None = None) -> tuple[int, list[str]]:
    """By itself: no site packages, no environment, no folder of ours to import from."""
    command = [sys.executable, "-I", str(program or pack.VERIFIER), str(path), *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=path.parent, check=False, env={})
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def broken(lines: list[str]) -> set[str]:
    return {check for check in verify_pack.CHECKS if any(line.startswith(f"BROKEN  {check} ") for line in lines)}


def test_a_pack_proves_itself(whole: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(whole) as archive:
        archive.extract("verify_pack.py", tmp_path)
    code, lines = verify(whole, program=tmp_path / "verify_pack.py")
    assert (code, lines[0].split(",")[0], lines[-1]) == (0, "All organisations", "All hold")
    assert lines[0].endswith(f"SHA-256 of the pack {hashlib.sha256(whole.read_bytes()).hexdigest()}")
    assert [line[8:26].strip() for line in lines[1:-2]] == list(verify_pack.CHECKS)
    assert all(line.startswith("ok ") and " 0 wrong" in line for line in lines[1:-2])
    assert lines[-2].strip() == "0 entries came after the newest seal"


def test_what_is_in_it(it: Lived, whole: Path) -> None:
    told = manifest(whole)
    with zipfile.ZipFile(whole) as archive:
        assert set(archive.namelist()) == {*told["files"], "manifest.json"}
    assert (told["format"], told["format_version"], told["organisation"], told["cannot_prove"]) == ("energyopti-ledger-pack", 1, None, {})
    for name in (
        "registries",
        "accounts",
        "generators",
        "batches",
        "commands",
        "entries",
        "holdings",
        "retirements",
        "cash_entries",
        "seals",
    ):
        assert told["files"][f"{name}.csv"]["rows"] == len(rows(whole, name)) > 0
    newest = seal.newest()
    assert newest is not None
    assert told["newest_seal"]["digest"] == bytes(newest.digest).hex() == rows(whole, "seals")[-1]["digest"]
    sold = next(row for row in rows(whole, "commands") if row["id"] == str(it.made["sold"]))
    assert (sold["reason"], sold["price_cents"], sold["awaiting"]) == (ODD, "31050", "acceptance")
    assert {row["name"] for row in rows(whole, "history_account")} >= {"main", "reserve", "mirror"}
    assert [row["registry_text"] for row in rows(whole, "batches") if row["serial_base"] == "IMP"] == ["IMP-0001 to IMP-0050"]


def test_one_organisations_pack_proves_its_part_and_says_what_it_cannot(it: Lived, east: Path) -> None:
    code, lines = verify(east)
    assert (code, lines[0].split(",")[0], lines[-1]) == (0, "east", "All hold")
    assert [line[8:26].strip() for line in lines if line.startswith("-")] == ["seals", "what others did"]
    assert manifest(east)["cannot_prove"] == verify_pack.UNPROVED
    assert verify(east, "--kept", "0" * 64)[0] == 1


def test_one_organisations_pack_holds_what_it_may_see(it: Lived, east: Path) -> None:
    mine = {str(account.pk) for account in it.east.accounts.values()}
    world = {row["id"] for row in rows(east, "accounts") if row["kind"] == "world"}
    assert {row["id"] for row in rows(east, "accounts")} == mine | world
    assert {row["account_id"] for row in rows(east, "holdings")} <= mine
    assert all({row["from_account_id"], row["to_account_id"]} & mine for row in rows(east, "entries"))
    got = [row for row in rows(east, "entries") if row["from_account_id"] not in mine | {""}]
    assert got
    assert all(len(row["prev_hash"]) == 64 for row in got)
    # what north gave is known by name, north's own dealings are not
    assert {row["slug"] for row in rows(east, "organisations")} == {"east", "west", "north"}
    assert {row["username"].split("-")[0] for row in rows(east, "people")} == {"east"}
    assert {row["organisation_id"] for row in rows(east, "cash_accounts")} == {str(it.east.organisation.pk)}
    assert {row["name"] for row in rows(east, "history_account")} >= {"main", "mirror"}
    assert {row["organisation_id"] for row in rows(east, "history_account")} == {str(it.east.organisation.pk)}


def test_the_command(it: Lived, tmp_path: Path) -> None:
    out = tmp_path / "ledger.zip"
    said = io.StringIO()
    call_command("export_ledger", "--all", str(out), stdout=said)
    newest = seal.newest()
    assert newest is not None
    assert hashlib.sha256(out.read_bytes()).hexdigest() in said.getvalue()
    assert bytes(newest.digest).hex() in said.getvalue()
    assert verify(out, "--kept", bytes(newest.digest).hex())[0] == 0
    code, lines = verify(out, "--kept", "0" * 64)
    assert (code, broken(lines)) == (1, {"seals"})
    assert list(tmp_path.iterdir()) == [out]
    with pytest.raises(CommandError, match="no organisation 'nobody'"):
        call_command("export_ledger", "--organisation", "nobody", str(out))


def test_a_temporary_pack_is_at_its_beginning(it: Lived) -> None:
    with pack.temporary(organisation=it.west.organisation) as file, zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("manifest.json"))["organisation"] == "west"


# --- changed packs --------------------------------------------------------------------------------------


def changed(path: Path, out: Path, change: Callable[[str, Rows], Rows], *, told: bool = True) -> Path:
    """A pack with other rows; `told`: whoever changed it put the manifest right as well."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(out, "w") as other:
        says = json.loads(archive.read("manifest.json"))
        for name in archive.namelist():
            data = archive.read(name)
            if name.endswith(".csv"):
                table = csv.DictReader(io.StringIO(data.decode(), newline=""))
                before = list(table)
                after = change(name.removesuffix(".csv"), copy.deepcopy(before))
                if after != before:
                    data = text_of(table.fieldnames or [], after)
                    if told:
                        says["files"][name] = {"rows": len(after), "sha256": hashlib.sha256(data).hexdigest()}
            if name != "manifest.json":
                other.writestr(name, data)
        other.writestr("manifest.json", json.dumps(says))
    return out


def text_of(columns: Sequence[str], table: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().encode()


def more(column: str, by: int = 1) -> Callable[[Rows], None]:
    def change(table: Rows) -> None:
        row = next(row for row in reversed(table) if row[column])
        row[column] = str(int(row[column]) + by)

    return change


def other_text(column: str) -> Callable[[Rows], None]:
    def change(table: Rows) -> None:
        table[-1][column] += "x"

    return change


def gone(table: Rows) -> None:
    table.pop()


def twice(table: Rows) -> None:
    table.append(table[-1])


CHANGES: list[tuple[str, Callable[[Rows], None], set[str]]] = [
    ("commands", more("quantity"), {"command hashes", "commands"}),
    ("commands", other_text("reason"), {"command hashes"}),
    ("commands", other_text("created_at"), {"command hashes"}),
    ("commands", more("price_cents"), {"command hashes"}),
    ("commands", gone, {"commands", "seals"}),
    ("entries", more("serial_end", -1), {"entry hashes", "commands", "holdings"}),
    ("entries", more("to_account_id"), {"entry hashes", "commands", "holdings"}),
    ("entries", more("prev_id", -1), {"entry hashes", "chain"}),
    ("entries", more("command_id"), {"entry hashes", "commands"}),
    ("entries", gone, {"commands", "holdings", "seals"}),
    ("entries", twice, {"chain", "commands"}),
    ("holdings", more("serial_end", -1), {"holdings"}),
    ("holdings", more("account_id"), {"holdings"}),
    ("holdings", more("bucket"), {"holdings"}),
    ("holdings", gone, {"holdings"}),
    ("holdings", twice, {"holdings"}),
    ("retirements", other_text("beneficiary"), {"retirement hashes"}),
    ("retirements", gone, {"retired", "seals"}),
    ("cash_accounts", more("balance_cents"), {"cash"}),
    ("cash_entries", more("amount_cents"), {"cash"}),
    ("cash_entries", gone, {"cash", "seals"}),
    ("seals", more("upto_entry", -1), {"seals"}),
    ("seals", gone, {"seals"}),
    ("batches", more("serial_start", 100000), {"chain"}),
]


@pytest.mark.parametrize(("name", "change", "checks"), CHANGES, ids=[f"{name}-{place}" for place, (name, _, _) in enumerate(CHANGES)])
def test_a_changed_number_is_found_though_the_manifest_was_put_right(
    whole: Path, tmp_path: Path, name: str, change: Callable[[Rows], None], checks: set[str]
) -> None:
    def edit(file: str, table: Rows) -> Rows:
        if file == name:
            change(table)
        return table

    assert verify(changed(whole, tmp_path / "same.zip", lambda _, table: table))[0] == 0
    code, lines = verify(changed(whole, tmp_path / "other.zip", edit))
    assert (code, lines[-1]) == (1, "BROKEN: this pack does not prove the ledger")
    assert checks <= broken(lines)
    assert "manifest" not in broken(lines) or name == "seals"


@pytest.mark.parametrize(("name", "column"), [("accounts", "name"), ("history_account", "name"), ("people", "username")])
def test_any_changed_file_is_found_by_its_checksum(whole: Path, tmp_path: Path, name: str, column: str) -> None:
    def edit(file: str, table: Rows) -> Rows:
        if file == name:
            table[0][column] += "x"
        return table

    code, lines = verify(changed(whole, tmp_path / "other.zip", edit, told=False))
    assert (code, broken(lines)) == (1, {"manifest"})
    assert any(f"{name}.csv has another checksum" in line for line in lines)


def test_a_file_that_nobody_announced_is_found(whole: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    other.write_bytes(whole.read_bytes())
    with zipfile.ZipFile(other, "a") as archive:
        archive.writestr("more.csv", "id\n1\n")
    assert broken(verify(other)[1]) == {"manifest"}


def test_one_changed_byte_of_any_file_is_found(whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(whole) as archive:
        files = archive.infolist()
    for file in files:
        name_length, extra_length = struct.unpack_from("<HH", data, file.header_offset + 26)
        middle = file.header_offset + 30 + name_length + extra_length + file.compress_size // 2
        other.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
        code, lines = verify(other)
        assert (code, lines[-1]) == (1, "BROKEN: this pack does not prove the ledger"), file.filename


def test_what_is_no_pack_is_told_in_one_line(tmp_path: Path) -> None:
    no_pack = tmp_path / "text.zip"
    no_pack.write_text("hello")
    code, lines = verify(no_pack)
    assert code == 1
    assert any("the pack is damaged: File is not a zip file" in line for line in lines)


# --- the program ---------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30))
def test_a_text_is_hashed_as_the_database_hashes_it(text: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT sha256(convert_to(jsonb_build_array(1, %s::text, NULL, true)::text, 'UTF8'))", [text])
        assert bytes(cursor.fetchone()[0]) == verify_pack.hash_of([1, text, None, True])


def test_it_imports_nothing_but_pythons_own() -> None:
    nodes = list(ast.walk(ast.parse(pack.VERIFIER.read_text(encoding="utf-8"))))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= {*sys.stdlib_module_names}
