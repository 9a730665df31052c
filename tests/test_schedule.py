"""What runs when: defaults in code that give way to a person."""

from __future__ import annotations

from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from energyopti import schedule
from energyopti.api.tasks import drop_kept_answers
from energyopti.celery import app
from energyopti.feeds import registry, tasks
from energyopti.organisations.tasks import forget_old_sessions
from markets.tasks import seal_days
from recs.tasks import expire_unanswered, seal_journal

pytestmark = pytest.mark.django_db
with_beat = pytest.mark.django_db(transaction=True)  # beat closes connections between its rounds


def feed(cadence: str) -> SimpleNamespace:
    return SimpleNamespace(name="test.feed", cadence=cadence, zone=ZoneInfo("America/New_York"))


@pytest.fixture
def one_feed(monkeypatch: pytest.MonkeyPatch):
    """Puts one feed in the place of all that are declared."""

    def declare(cadence: str) -> None:
        monkeypatch.setattr(registry, "feeds", lambda: {"test.feed": feed(cadence)})

    declare("40 13,15 * * *")
    return declare


def row() -> PeriodicTask:
    return PeriodicTask.objects.get(name="sync test.feed")


def line(task: PeriodicTask) -> str:
    return schedule._line(task.crontab)


def test_each_declared_feed_has_an_entry_in_its_markets_time() -> None:
    schedule.ensure()
    for name, declared in registry.feeds().items():
        entry = PeriodicTask.objects.get(name=f"sync {name}")
        assert (entry.task, entry.args) == (tasks.sync_scheduled.name, f'["{name}"]')
        assert (line(entry), str(entry.crontab.timezone)) == (declared.cadence, declared.zone.key)


def test_the_machines_own_tasks_exist() -> None:
    named = {entry.task for entry in schedule.entries()}
    own = (tasks.sync_scheduled, tasks.requeue_gaps, tasks.look_for_restatements, tasks.drop_raw, seal_days)
    own += (drop_kept_answers, forget_old_sessions, expire_unanswered, seal_journal)
    assert named == {task.name for task in own}
    assert all(task in app.tasks for task in named)


def test_a_second_time_writes_nothing(one_feed) -> None:
    assert schedule.ensure() == 9
    assert schedule.ensure() == 0


def test_what_a_person_switched_off_stays_off(one_feed) -> None:
    schedule.ensure()
    PeriodicTask.objects.filter(name="sync test.feed").update(enabled=False)
    one_feed("0 9 * * *")
    schedule.ensure()
    assert (row().enabled, line(row())) == (False, "0 9 * * *")


@with_beat
def test_what_a_person_changed_stays_changed(one_feed) -> None:
    schedule.ensure()
    changed = row()
    changed.crontab, _ = CrontabSchedule.objects.get_or_create(minute="7", hour="7", timezone="UTC")
    changed.save()
    one_feed("0 9 * * *")
    schedule.ensure()
    DatabaseScheduler(app=app).sync()
    assert line(row()) == "7 7 * * *"


def test_what_nobody_changed_follows_the_code(one_feed) -> None:
    schedule.ensure()
    one_feed("0 9 * * *")
    assert schedule.ensure() == 1
    assert (line(row()), row().expire_seconds) == ("0 9 * * *", 86_390)


@with_beat
def test_beat_reads_what_stands_there(one_feed) -> None:
    schedule.ensure()
    PeriodicTask.objects.filter(name="sync test.feed").update(enabled=False)
    names = set(DatabaseScheduler(app=app).schedule)
    assert "feeds: pull missing windows again" in names
    assert "sync test.feed" not in names


@with_beat
def test_beat_reads_a_cadence_as_the_registry_means_it(one_feed) -> None:
    schedule.ensure()
    entry = DatabaseScheduler(app=app).schedule["sync test.feed"]
    assert (entry.schedule.hour, entry.schedule.minute) == ({13, 15}, {40})
    assert (str(entry.schedule.tz), entry.options["expires"], entry.args) == ("America/New_York", 7190, ["test.feed"])


@pytest.mark.parametrize(
    ("cadence", "seconds"),
    [("*/5 * * * *", 290), ("15 6 * * *", 86_390), ("40 13,15,18 * * *", 7190), ("0 0,23 * * *", 3590), ("10 11 * * mon-fri", 86_390)],
)
def test_a_task_expires_before_the_next_beat(cadence: str, seconds: int) -> None:
    assert schedule.Entry("x", "y", cadence).expires == seconds
