"""One client of the ledger: a process that asks, writes down the answer, asks again, until it is killed or the time is over."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection, transaction

from energyopti.db import APP_ROLE
from energyopti.organisations.scope import seeing_all
from recs import ledger
from recs.errors import LedgerError, rules_told
from recs.proof import seal
from recs.proof.prove import prove, proving
from tests.recs.stress import diary
from tests.recs.stress.diary import Diary
from tests.recs.stress.intents import Chooser, Intent, send
from tests.recs.stress.stage import Stage

REPLAYS, SLEEPS, CHORES = 0.1, 0.15, 0.02  # how often
RECENT = 200  # acknowledged intents that are sent again


class Worker:
    def __init__(self, number: int, life: int, stage: Stage, folder: Path) -> None:
        name = f"worker-{number}"
        self.dice = random.Random(f"{number} {life}")
        self.done = _acknowledged(folder / f"{name}.log")
        self.diary = Diary(folder, name)
        self.chooser = Chooser(stage, (number, life))

    def run(self, until: float) -> None:
        while time.time() < until:
            try:
                if self.dice.random() < CHORES:
                    self._chore()
                    continue
                if self.done and self.dice.random() < REPLAYS:
                    self._replay()
                    continue
                with seeing_all():
                    intent = self.chooser.next()
                self.diary.note("asked", intent=intent)
                self._ask(intent)
            except (OperationalError, InterfaceError):  # the server is gone, or this connection
                connection.close()
                time.sleep(self.dice.uniform(0.05, 0.3))

    def _ask(self, intent: Intent) -> None:
        try:
            made = self._sent(intent)
        except LedgerError as refused:
            self.diary.note("refused", key=intent["key"], code=refused.code)
        except (OperationalError, InterfaceError):
            self.diary.note("unknown", key=intent["key"])  # done or not, who knows
            connection.close()
            if self.dice.random() < 0.5:
                time.sleep(self.dice.uniform(0.05, 0.3))
                self._ask(intent)
        except Error as surprise:
            self.diary.note("surprise", key=intent["key"], error=str(surprise))
        else:
            self.diary.note("done", key=intent["key"], made=made)
            self.done.append((intent, made))

    def _sent(self, intent: Intent) -> list[int]:
        if self.dice.random() > SLEEPS:
            return send(intent)
        with rules_told(), transaction.atomic():
            made = send(intent)
            time.sleep(self.dice.uniform(0, 0.05))
        return made

    def _replay(self) -> None:
        intent, made = self.dice.choice(self.done[-RECENT:])
        self.diary.note("replayed", key=intent["key"], made=made, again=send(intent))

    def _chore(self) -> None:
        try:
            if self.dice.random() < 0.5:
                ledger.expire()
            else:
                seal.seal()
        except LedgerError as busy:
            self.diary.note("chore", code=busy.code)


def _acknowledged(path: Path) -> list[tuple[Intent, list[int]]]:
    asked, done = {}, []
    for line in diary.read(path, last=1 << 17):
        if line["what"] == "asked":
            asked[line["intent"]["key"]] = line["intent"]
        elif line["what"] == "done" and line["key"] in asked:
            done.append((asked[line["key"]], line["made"]))
    return done


def work(number: int, life: int, stage: Stage, folder: Path, until: float) -> None:
    """The body of a process. It acts as web and workers do: with the application's role."""
    settings.DATABASE_ROLE = APP_ROLE
    Worker(number, life, stage, folder).run(until)
    os._exit(0)


def audit(folder: Path, until: float) -> None:
    """Proves the ledger again and again while the others work on it: each committed state keeps all rules."""
    notes = Diary(folder, "auditor")
    while time.time() < until:
        try:
            with proving() as cursor:
                broken = {verdict.rule.name: list(verdict.offenders) for verdict in prove(cursor) if not verdict.holds}
            notes.note("audit", broken=broken)
        except (OperationalError, InterfaceError):
            pass
        time.sleep(2)
    os._exit(0)
