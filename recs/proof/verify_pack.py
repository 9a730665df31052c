#!/usr/bin/env python3
"""Proves a ledger pack with Python's standard library alone:  python -I verify_pack.py PACK.zip [--kept DIGEST]

The journal is replayed from its first entry: each hash is computed anew, each range of serial numbers has to be where the entry
before brought it, and what is left at the end has to be the holdings. A line for each check; exit 0: all hold, 1: one does not.

--kept DIGEST: the digest of a seal that somebody kept outside; it has to be the digest of a seal in the pack. Take this program
from where you trust it, not from the pack that it is to prove. Memory: some 100 bytes a holding and a command, none an entry.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import struct
import sys
import zipfile
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

FORMAT = ("energyopti-ledger-pack", 1)
FIRST = 5  # faults of a check that are told
COLUMNS = {
    "accounts": "id,organisation_id,kind,name,registry_id,registry_account,sandbox,opened_at,closed_at",
    "batches": "id,registry_id,serial_base,serial_start,serial_end,registry_text,generator_id,fuel,state,vintage,organisation_id,sandbox,"
    "variance_of_id,export_id,created_at",
    "commands": "id,key,request_hash,kind,organisation_id,counterparty_id,from_account_id,to_account_id,to_bucket,quantity,awaiting,"
    "root_id,resolves_id,reverses_id,export_id,to_registry_id,price_cents,reason,reference,reference_date,expires_at,self_approved,"
    "made_by_id,request_id,api_key,created_at,hash",
    "retirements": "command_id,programme,state,compliance_year,tier,beneficiary,reason,hash",
    "entries": "id,command_id,batch_id,serial_start,serial_end,from_account_id,from_bucket,to_account_id,to_bucket,prev_id,prev_hash,hash",
    "holdings": "batch_id,serial_start,serial_end,account_id,bucket,entry_id",
    "cash_accounts": "id,organisation_id,kind,counterparty_id,external_id,balance_cents,credit_limit_cents",
    "cash_entries": "id,command_id,account_id,amount_cents,hash",
    "seals": "id,upto_entry,upto_command,upto_cash_entry,entries,commands,digest,created_at",
}
CHECKS = {
    "manifest": "each file is as the manifest says: checksum, and number of rows",
    "command hashes": "each command is as it was written",
    "retirement hashes": "each purpose is as it was written",
    "entry hashes": "each entry is as it was written, and follows the entry that it names",
    "chain": "each entry takes serials from where an earlier one brought them, or issues them inside their batch, once",
    "retired": "nothing leaves what is retired or exported; what is retired has a purpose",
    "commands": "the entries of each command move what it says, from where and to where it says",
    "holdings": "what the replay leaves is what the holdings say, to the last serial",
    "conservation": "of each batch, received less sent is held",
    "cash": "each cash entry is as it was written, each command's sum to zero, and all of them are the balances",
    "seals": "each seal is the digest of what the journal held, chained to the seal before it",
}
UNPROVED = {  # by a pack of one organisation
    "seals": "a seal is over the entries of all organisations",
    "what others did": "certificates that came from others: what they did with them before is taken as stated, by its hash",
}
_NUMBERS = {
    *("id", "organisation_id", "counterparty_id", "from_account_id", "to_account_id", "to_bucket", "quantity", "root_id", "resolves_id"),
    *("reverses_id", "export_id", "price_cents", "made_by_id", "command_id", "compliance_year", "account_id", "amount_cents"),
}
_MAY_BE_NULL = {"to_registry_id", "reference_date", "expires_at"}
_ENTRY = struct.Struct(">qqqqqqhqhq")


class Broken(Exception):
    """The pack cannot be read as one."""


class Report:
    """What each check looked at, and what it found wrong."""

    def __init__(self) -> None:
        self.looked: Counter[str] = Counter()
        self.wrong: defaultdict[str, list[str]] = defaultdict(list)
        self.faults: Counter[str] = Counter()

    def fault(self, check: str, told: str) -> None:
        self.faults[check] += 1
        if len(self.wrong[check]) < FIRST:
            self.wrong[check].append(told)

    def lines(self, unproved: dict[str, str]) -> Iterator[str]:
        for check, says in CHECKS.items():
            if check in unproved:
                continue
            mark = "BROKEN" if self.faults[check] else "ok"
            yield f"{mark:<6}  {check:<18} {self.looked[check]:>12,} looked at, {self.faults[check]:,} wrong: {says}"
            yield from (f"          {told}" for told in self.wrong[check])
        yield from (f"-       {what:<18} not provable from this pack: {why}" for what, why in unproved.items())


class Pack:
    def __init__(self, archive: zipfile.ZipFile, report: Report) -> None:
        self.archive, self.report = archive, report
        self.manifest = json.loads(archive.read("manifest.json"))
        if (self.manifest.get("format"), self.manifest.get("format_version")) != FORMAT:
            raise Broken("this is no ledger pack of a version that this program knows")
        self.whole: bool = self.manifest["organisation"] is None

    def rows(self, name: str) -> Iterator[list[str]]:
        """Row by row; how many there were is compared with the manifest when all are read."""
        with self.archive.open(f"{name}.csv") as binary, io.TextIOWrapper(binary, "utf-8", newline="") as text:
            lines, count = csv.reader(text, strict=True), 0
            heading = ",".join(next(lines, []))
            if heading != COLUMNS.get(name, heading):
                raise Broken(f"{name}.csv has other columns than this program knows")
            for count, row in enumerate(lines, 1):  # noqa: B007 -- wanted after the loop
                yield row
        if count != self.manifest["files"][f"{name}.csv"]["rows"]:
            self.report.fault("manifest", f"{name}.csv has {count} rows, the manifest says {self.manifest['files'][f'{name}.csv']['rows']}")

    def check_files(self) -> None:
        told, there = set(self.manifest["files"]), self.archive.namelist()
        for name in sorted(told ^ (set(there) - {"manifest.json"})) + [name for name, times in Counter(there).items() if times > 1]:
            self.report.fault("manifest", f"{name} is in the manifest or in the pack, not once in both")
        for name in sorted(told & set(there)):
            digest = hashlib.sha256()
            with self.archive.open(name) as file:
                while piece := file.read(1 << 20):
                    digest.update(piece)
            self.report.looked["manifest"] += 1
            if digest.hexdigest() != self.manifest["files"][name]["sha256"]:
                self.report.fault("manifest", f"{name} has another checksum")
            if name.endswith(".csv") and name.removesuffix(".csv") not in COLUMNS:
                for _ in self.rows(name.removesuffix(".csv")):
                    pass


def number(text: str) -> int:
    return int(text) if text else 0


def hash_of(values: Iterable[object]) -> bytes:
    """Of a command, a purpose, a cash entry: SHA-256 of a JSON array."""
    return hashlib.sha256(json.dumps(list(values), ensure_ascii=False).encode()).digest()


def typed(file: str, row: list[str]) -> Iterator[object]:
    """The values of a row as they were hashed: all but the hash itself."""
    for name, text in zip(COLUMNS[file].split(",")[:-1], row, strict=False):
        if name in _NUMBERS:
            yield int(text) if text else None
        elif name == "self_approved":
            yield text == "true"
        else:
            yield None if not text and name in _MAY_BE_NULL else text


def entry_hash(before: bytes, *numbers: int) -> bytes:
    """Of id, command, batch, first serial, serial after the last, from account and bucket, to account and bucket, predecessor."""
    return hashlib.sha256(before + _ENTRY.pack(*numbers)).digest()


class Commands:
    """Columns in the order of ids; 0 where there is nothing. `moved` counts what the entries move."""

    def __init__(self, pack: Pack, mine: set[int]) -> None:
        self.ids, self.roots, self.sources, self.targets, self.quantities, self.moved = (array("q") for _ in range(6))
        self.buckets, self.waits, self.retires, self.shown = (array("b") for _ in range(4))
        for row in pack.rows("commands"):
            pack.report.looked["command hashes"] += 1
            if hash_of(typed("commands", row)).hex() != row[-1]:
                pack.report.fault("command hashes", f"{row[3]} {row[0]} is not as it was written")
            source, target, waits = number(row[6]), number(row[7]), bool(row[10])
            self.ids.append(int(row[0]))
            self.roots.append(number(row[11]))
            self.sources.append(source)
            self.targets.append(target)
            self.buckets.append(number(row[8]))
            self.quantities.append(0 if waits and row[12] else int(row[9]))
            self.moved.append(0)
            self.waits.append(waits)
            self.retires.append(row[3] == "retire")
            self.shown.append(pack.whole or source in mine or (target in mine and (not waits or not source)))

    def place(self, command: int) -> int:
        """Where it stands, or -1."""
        at = bisect_left(self.ids, command)
        return at if at < len(self.ids) and self.ids[at] == command else -1

    def expects(self, at: int) -> tuple[int, int, int, int]:
        """From account and bucket, to account and bucket of its entries."""
        source, target = self.sources[at], self.targets[at]
        out_of = 2 if self.roots[at] else 1 if source else 0
        return (source, out_of, source or target, 2) if self.waits[at] else (source, out_of, target, self.buckets[at])


class Ranges:
    """Who has which serials of one batch: parallel columns in the order of the first serial; `highs` are one after the last."""

    def __init__(self) -> None:
        self.lows, self.highs, self.entries, self.accounts, self.buckets = (array("q") for _ in range(5))
        self.hashes = bytearray()

    def at(self, low: int) -> int:
        """The range that begins at or before; -1: none."""
        return bisect_right(self.lows, low) - 1

    def hash_at(self, at: int) -> bytes:
        return bytes(self.hashes[32 * at : 32 * at + 32])

    def put(self, at: int, low: int, high: int, owner: tuple[int, int, int], digest: bytes) -> None:
        columns = (self.lows, self.highs, self.entries, self.accounts, self.buckets)
        for column, value in zip(columns, (low, high, *owner), strict=True):
            column.insert(at, value)
        self.hashes[32 * at : 32 * at] = digest

    def cut(self, at: int, low: int, high: int) -> None:
        """Takes out of one range what lies from low to high; what is left keeps its owner."""
        owner, digest = (self.entries[at], self.accounts[at], self.buckets[at]), self.hash_at(at)
        first, last = self.lows[at], self.highs[at]
        for column in (self.lows, self.highs, self.entries, self.accounts, self.buckets):
            column.pop(at)
        del self.hashes[32 * at : 32 * at + 32]
        if high < last:
            self.put(at, high, last, owner, digest)
        if first < low:
            self.put(at, first, low, owner, digest)


class Replay:
    """The journal from its first entry on, as far as the pack's accounts have part in it."""

    def __init__(self, pack: Pack) -> None:
        self.pack, self.report = pack, pack.report
        self.mine = {int(row[0]) for row in pack.rows("accounts") if row[1]}  # the world outside belongs to nobody
        self.batches = {int(row[0]): (int(row[3]), int(row[4]) + 1) for row in pack.rows("batches")}
        self.commands = Commands(pack, self.mine)
        self.purposes = array("q")
        self.held: defaultdict[int, Ranges] = defaultdict(Ranges)
        self.balance: Counter[int] = Counter()  # by batch: received less sent

    def run(self) -> None:
        self._purposes()
        for row in self.pack.rows("entries"):
            self._entry(row)
        for at, command in enumerate(self.commands.ids):
            self.report.looked["commands"] += self.commands.shown[at]
            if self.commands.shown[at] and self.commands.moved[at] != self.commands.quantities[at]:
                said, moved = self.commands.quantities[at], self.commands.moved[at]
                self.report.fault("commands", f"command {command} says {said}, its entries move {moved}")
        self._holdings()

    def _purposes(self) -> None:
        for row in self.pack.rows("retirements"):
            self.report.looked["retirement hashes"] += 1
            self.purposes.append(int(row[0]))
            at = self.commands.place(int(row[0]))
            if hash_of(typed("retirements", row)).hex() != row[-1] or at < 0 or not self.commands.retires[at]:
                self.report.fault("retirement hashes", f"the purpose of command {row[0]} is not as it was written, or of no retirement")

    def _entry(self, row: list[str]) -> None:
        entry, command, batch, low, last, source, out_of, target, into, prev = map(number, row[:10])
        high, stated = last + 1, bytes.fromhex(row[10])
        before = stated
        for check in ("entry hashes", "chain"):
            self.report.looked[check] += 1
        if not prev:
            first, end = self.batches.get(batch, (0, 0))
            if source or out_of or stated or not first <= low < high <= end:
                self.report.fault("chain", f"entry {entry} issues what is not in batch {batch}")
        elif self.pack.whole or source in self.mine:
            before = self._taken(entry, batch, low, high, (prev, source, out_of))
            self.balance[batch] -= high - low
        numbers = (entry, command, batch, low, high, source, out_of, target, into, prev)
        if before != stated or entry_hash(before, *numbers).hex() != row[11]:
            self.report.fault("entry hashes", f"entry {entry} is not as it was written, or entry {prev} is not")
        if self.pack.whole or target in self.mine:
            self._given(entry, batch, low, high, (entry, target, into), bytes.fromhex(row[11]))
            self.balance[batch] += high - low
        self._of_command(entry, command, high - low, (source, out_of, target, into))

    def _taken(self, entry: int, batch: int, low: int, high: int, owner: tuple[int, int, int]) -> bytes:
        """Takes the range out of where it lies; the hash of the entry that brought it there."""
        held = self.held[batch]
        at = held.at(low)
        if at < 0 or held.highs[at] < high or (held.entries[at], held.accounts[at], held.buckets[at]) != owner:
            self.report.fault("chain", f"entry {entry} takes {low} to {high - 1} of batch {batch} from where they are not")
            return b""
        digest = held.hash_at(at)
        held.cut(at, low, high)
        return digest

    def _given(self, entry: int, batch: int, low: int, high: int, owner: tuple[int, int, int], digest: bytes) -> None:
        held = self.held[batch]
        at = held.at(low)
        if low >= high or (at >= 0 and held.highs[at] > low) or (at + 1 < len(held.lows) and held.lows[at + 1] < high):
            self.report.fault("chain", f"entry {entry} brings {low} to {high - 1} of batch {batch}, which somebody has already")
            return
        held.put(at + 1, low, high, owner, digest)

    def _of_command(self, entry: int, command: int, quantity: int, way: tuple[int, int, int, int]) -> None:
        at = self.commands.place(command)
        if at < 0 or self.commands.expects(at) != way:
            self.report.fault("commands", f"entry {entry} does not go the way of command {command}")
            return
        self.commands.moved[at] += quantity
        if way[3] == 9:
            self.report.looked["retired"] += 1
            root = self.commands.roots[at] or command
            place = bisect_left(self.purposes, root)
            if place == len(self.purposes) or self.purposes[place] != root:
                self.report.fault("retired", f"entry {entry} retires without a purpose")
        if way[1] not in (0, 1, 2):
            self.report.fault("retired", f"entry {entry} takes out what is retired or exported")

    def _holdings(self) -> None:
        said = joined(tuple(map(int, row)) for row in self.pack.rows("holdings"))
        found = joined(self._left())
        while True:
            one, other = next(said, None), next(found, None)
            if one is None and other is None:
                break
            self.report.looked["holdings"] += 1
            if one != other:
                self.report.fault("holdings", f"(batch, first, last, account, bucket, entry): the file says {one}, the replay {other}")
                if self.report.faults["holdings"] >= FIRST:
                    break  # from here on all are beside each other
        for batch, balance in self.balance.items():
            self.report.looked["conservation"] += 1
            if (held := sum(self.held[batch].highs) - sum(self.held[batch].lows)) != balance:
                self.report.fault("conservation", f"batch {batch}: received less sent is {balance}, held {held}")

    def _left(self) -> Iterator[tuple[int, ...]]:
        for batch in sorted(self.held):
            held = self.held[batch]
            for low, high, account, bucket, entry in zip(held.lows, held.highs, held.accounts, held.buckets, held.entries, strict=True):
                yield batch, low, high - 1, account, bucket, entry


def joined(rows: Iterable[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """Neighbours of the same owner and entry as one: how a range was cut before says nothing."""
    last: tuple[int, ...] | None = None
    for row in rows:
        if last is not None and (last[0], last[2] + 1, *last[3:]) == (row[0], row[1], *row[3:]):
            last = (*last[:2], *row[2:])
            continue
        if last is not None:
            yield last
        last = row
    if last is not None:
        yield last


def check_cash(pack: Pack) -> None:
    accounts = {int(row[0]): (int(row[1]), int(row[5])) for row in pack.rows("cash_accounts")}
    balances: Counter[int] = Counter()
    open_sums: dict[tuple[str, int], int] = {}  # by command and organisation; what is even again is forgotten
    for row in pack.rows("cash_entries"):
        account, amount = int(row[2]), int(row[3])
        pack.report.looked["cash"] += 1
        if hash_of(typed("cash_entries", row)).hex() != row[-1] or account not in accounts:
            pack.report.fault("cash", f"cash entry {row[0]} is not as it was written")
            continue
        balances[account] += amount
        side = (row[1], accounts[account][0])
        if left := open_sums.pop(side, 0) + amount:
            open_sums[side] = left
    for (command, organisation), left in open_sums.items():
        pack.report.fault("cash", f"the cash of command {command} for organisation {organisation} sums to {left} cents")
    for account, (_, balance) in accounts.items():
        if balances[account] != balance:
            pack.report.fault("cash", f"cash account {account} says {balance} cents, its entries {balances[account]}")


class Hashes:
    """Numbers and hashes of a file, in order, read on from where the seal before ended."""

    def __init__(self, pack: Pack, name: str) -> None:
        self.rows, self.read = pack.rows(name), 0
        self.next = next(self.rows, None)

    def into(self, digest: hashlib._Hash, upto: int) -> None:
        while self.next is not None and int(self.next[0]) <= upto:
            digest.update(bytes.fromhex(self.next[-1]))
            self.read += 1
            self.next = next(self.rows, None)


def check_seals(pack: Pack, kept: list[str]) -> str:
    """What came after the newest seal, in words."""
    entries, commands, retirements, cash = (Hashes(pack, name) for name in ("entries", "commands", "retirements", "cash_entries"))
    before, digests = b"", set()
    for row in pack.rows("seals"):
        digest = hashlib.sha256(before)
        for part, upto in ((entries, row[1]), (commands, row[2]), (retirements, row[2]), (cash, row[3])):
            part.into(digest, int(upto))
        pack.report.looked["seals"] += 1
        if digest.hexdigest() != row[6] or (entries.read, commands.read) != (int(row[4]), int(row[5])):
            pack.report.fault("seals", f"seal {row[0]} of {row[7]} is not the digest of what is here")
        before = bytes.fromhex(row[6])  # so that a broken seal does not break all after it
        digests.add(row[6])
    newest = pack.manifest["newest_seal"]
    if (newest["digest"] if newest else "") != before.hex():
        pack.report.fault("seals", "the manifest names another newest seal")
    for digest_kept in kept:
        if digest_kept.lower() not in digests:
            pack.report.fault("seals", f"no seal here has the digest {digest_kept} that was kept outside")
    after = sum(1 for _ in entries.rows) + (entries.next is not None)
    return f"{after:,} entries came after the newest seal" if newest else "there is no seal: nobody outside can know what was taken away"


def verify(path: str, kept: list[str]) -> Iterator[str]:
    """Lines; raises SystemExit(1) after the last where something does not hold."""
    report, more, unproved = Report(), "", {}
    try:
        with zipfile.ZipFile(path) as archive:
            pack = Pack(archive, report)
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            yield f"{pack.manifest['organisation'] or 'All organisations'}, made {pack.manifest['made_at']}, SHA-256 of the pack {digest}"
            unproved = {} if pack.whole else UNPROVED
            pack.check_files()
            Replay(pack).run()
            check_cash(pack)
            if pack.whole:
                more = check_seals(pack, kept)
            elif kept:
                raise Broken("only a pack of all organisations proves a digest")
    except (Broken, OSError, EOFError, KeyError, IndexError, ValueError, TypeError, OverflowError, struct.error) as problem:
        report.fault("manifest", f"the pack cannot be read on: {problem or type(problem).__name__}")
    except (zipfile.BadZipFile, zlib.error, csv.Error, NotImplementedError) as problem:
        report.fault("manifest", f"the pack is damaged: {problem}")
    yield from report.lines(unproved)
    if more:
        yield f"        {more}"
    if report.faults:
        yield "BROKEN: this pack does not prove the ledger"
        sys.exit(1)
    yield "All hold"


def main() -> None:
    asked = argparse.ArgumentParser(description="Proves a ledger pack with Python's standard library alone.")
    asked.add_argument("pack")
    asked.add_argument("--kept", action="append", default=[], metavar="DIGEST", help="a seal's digest that was kept outside")
    options = asked.parse_args()
    csv.field_size_limit(1 << 24)
    for line in verify(options.pack, options.kept):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
