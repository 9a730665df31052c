"""The ledger in plain Python: where each serial number is, and what waits for whom. The specification that one can read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from recs import errors

ACTIVE, HELD, EXPORTED, RETIRED = 1, 2, 8, 9
Serial = tuple[int, int]  # batch, number
ENDS = {"approve": "approval", "accept": "acceptance", "confirm": "registry", "refuse": "registry", "release": "release"}
FORWARD = ("approve", "accept", "confirm", "release")


@dataclass(frozen=True)
class Place:
    """An account."""

    pk: int
    organisation: int | None
    kind: str = "active"
    mirrors: bool = False

    @property
    def outside(self) -> bool:
        return self.kind in ("external", "world")


@dataclass(frozen=True)
class Asked:
    """A command, and the stages that it still awaits."""

    kind: str
    serials: frozenset[Serial]
    source: int | None
    target: int
    bucket: int
    stages: tuple[str, ...]
    organisation: int
    counterparty: int | None
    maker: int
    reverses: int | None = None


@dataclass
class Book:
    places: dict[int, Place]
    vintages: dict[int, int] = field(default_factory=dict)  # of batches
    fuels: dict[int, str] = field(default_factory=dict)
    worlds: dict[int, int] = field(default_factory=dict)  # of batches: where their registry's certificates are outside
    four_eyes: frozenset[int] = frozenset()  # organisations that want a second person for everything
    where: dict[Serial, tuple[int, int]] = field(default_factory=dict)
    asked: dict[int, Asked] = field(default_factory=dict)
    reversed: set[int] = field(default_factory=set)
    recorded: dict[int, int] = field(default_factory=dict)  # of batches: the organisation that wrote it down
    had: dict[int, set[Serial]] = field(default_factory=dict)  # by organisations, at some time
    came: dict[Serial, int] = field(default_factory=dict)  # by which command it is where it is; 0: it came back
    unapproved: set[int] = field(default_factory=set)  # commands of which the other side knows nothing

    def at(self, place: int, bucket: int = ACTIVE, fuel: str | None = None) -> set[Serial]:
        return {serial for serial, there in self.where.items() if there == (place, bucket) and fuel in (None, self.fuels[serial[0]])}

    # --- what is refused -------------------------------------------------------------------------------------

    def refuses_move(self, kind: str, source: int, target: int | None) -> type[errors.LedgerError] | None:
        from_, to = self.places[source], self.places[target or source]
        if "external" in (from_.kind, to.kind) and to.organisation != from_.organisation:
            return errors.Unknown
        if kind == "transfer" and source == target:
            return errors.TransferToItself
        return None

    def refuses_ranges(self, source: int, serials: Iterable[Serial]) -> type[errors.LedgerError] | None:
        """By the first that cannot be taken."""
        found = {RETIRED: errors.RangeRetired, EXPORTED: errors.RangeExported, HELD: errors.RangeHeld}
        for serial in sorted(serials):
            place, bucket = self.where.get(serial, (None, ACTIVE))
            if (place, bucket) != (source, ACTIVE):
                return found.get(bucket, errors.RangeNotOwned) if place == source else errors.RangeNotOwned
        return None

    def refuses_foreign(self, source: int, target: int, serials: frozenset[Serial]) -> type[errors.LedgerError] | None:
        """Out of the world comes what an organisation wrote down, or had before."""
        organisation = self.places[target].organisation
        if self.places[source].kind != "world" or organisation is None:
            return None
        known = all(self.recorded[batch] == organisation for batch, _ in serials) or serials <= self.had.get(organisation, set())
        return None if known else errors.RangeNotOwned

    def refuses_resolving(self, how: str, command: int, who: int, organisation: int) -> type[errors.LedgerError] | None:
        it = self.asked[command]
        if organisation != it.organisation and (organisation != it.counterparty or command in self.unapproved):
            return errors.Unknown
        if not it.stages:
            return errors.AlreadyResolved
        stage = it.stages[0]
        if stage != ENDS.get(how, stage) or (how in ("reject", "cancel") and stage not in ("approval", "acceptance")):
            return errors.WrongStage
        receiving = how == "accept" or (how == "reject" and stage == "acceptance")
        if organisation != (it.counterparty if receiving else it.organisation):
            return errors.Unknown
        second = how == "approve" or (how == "confirm" and it.organisation in self.four_eyes)
        return errors.SecondPersonNeeded if second and who == it.maker else None

    def refuses_reversal(self, command: int, organisation: int) -> type[errors.LedgerError] | None:
        it = self.asked[command]
        holder = self.places[it.target]
        if organisation != (it.organisation if holder.outside else holder.organisation):
            return errors.Unknown
        if it.kind not in ("transfer", "issue", "receive") or it.stages or not it.serials or command in self.reversed:
            return errors.NotReversible
        untouched = not holder.outside or all(self.came[serial] == command for serial in it.serials)
        return None if untouched and it.serials <= self.at(it.target) else errors.MovedOn

    # --- what happens -----------------------------------------------------------------------------------------

    def stages_of(self, kind: str, source: int | None, target: int, organisation: int) -> tuple[str, ...]:
        if kind == "reserve":
            return ("release",)
        to = self.places[target]
        stages = ["approval"] if organisation in self.four_eyes else []
        if kind in ("transfer", "reverse") and not to.outside and to.organisation != organisation:
            stages.append("acceptance")
        if kind == "export" or (source and self.places[source].mirrors and kind in ("transfer", "retire", "reverse")):
            stages.append("registry")
        return tuple(stages)

    def do(self, command: int, it: Asked) -> None:
        """A new command: its certificates go, or are held where they are (an issue's: where they will be)."""
        self.asked[command] = it
        there = (it.source or it.target, HELD) if it.stages else (it.target, it.bucket)
        self._put(it.serials, there, command)
        if it.stages[:1] == ("approval",):
            self.unapproved.add(command)
        self._reversed(it)

    def resolve(self, how: str, command: int) -> None:
        it = self.asked[command]
        if how == "approve":
            self.unapproved.discard(command)
        if how in FORWARD and len(it.stages) > 1:
            self.asked[command] = replace(it, stages=it.stages[1:])
            return
        if how in FORWARD:
            self._put(it.serials, (it.target, it.bucket), command)
            self.asked[command] = replace(it, stages=())
            self._reversed(self.asked[command])
            return
        back = it.source or self.worlds[next(iter(it.serials))[0]]
        self._put(it.serials, (back, ACTIVE), 0)
        self.asked[command] = replace(it, stages=(), serials=frozenset())

    def _put(self, serials: frozenset[Serial], there: tuple[int, int], command: int) -> None:
        place = self.places[there[0]]
        self.where |= dict.fromkeys(serials, there)
        self.came |= dict.fromkeys(serials, command)
        if place.organisation is not None and place.kind != "external":
            self.had.setdefault(place.organisation, set()).update(serials)

    def _reversed(self, it: Asked) -> None:
        if it.reverses and not it.stages:
            self.reversed.add(it.reverses)
