"""manage.py firststart, and starts that were cut short."""

from __future__ import annotations

import io
import re
import threading

import pytest
from django.apps import apps
from django.contrib.auth.backends import ModelBackend
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from energyopti.errors import UpstreamUnreachable
from energyopti.organisations import firststart
from energyopti.organisations.models import Installation, Membership, Organisation, User

pytestmark = pytest.mark.django_db(transaction=True)


def may_log_in(*, username: str, password: str) -> bool:
    """Whether the password is this user's: without a request there is nobody to lock out."""
    return ModelBackend().authenticate(None, username=username, password=password) is not None


@pytest.fixture(autouse=True)
def no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apps' samples pull from the sandbox; here only what a test contributes."""
    for config in apps.get_app_configs():
        monkeypatch.setattr(config, "samples", "", raising=False)


def run() -> tuple[dict[str, str], str]:
    """Told logins, and what went to stderr."""
    out, err = io.StringIO(), io.StringIO()
    call_command("firststart", stdout=out, stderr=err)
    return dict(re.findall(r"^  (\S+)\s+(.+)$", out.getvalue(), re.MULTILINE)), err.getvalue()


def test_a_new_database_gets_an_administrator_and_a_pair_to_play_with() -> None:
    logins, _ = run()
    assert list(logins) == [
        "admin",
        *(f"{side}-{role}" for side in ("east", "west") for role in ("viewer", "trader", "compliance-officer", "administrator")),
    ]
    assert all(may_log_in(username=name, password=password) for name, password in logins.items())


def test_the_pair_is_sandbox_and_has_one_user_per_role_each() -> None:
    run()
    assert list(Organisation.objects.values_list("slug", "sandbox")) == [("sandbox-east", True), ("sandbox-west", True)]
    for organisation in Organisation.objects.all():
        assert sorted(organisation.memberships.values_list("role", flat=True)) == sorted(Membership.Role.values)


def test_only_the_administrator_gets_into_the_back_office() -> None:
    run()
    assert list(User.objects.filter(is_staff=True).values_list("username", "is_superuser")) == [("admin", True)]


def test_a_password_that_was_given_is_not_repeated(settings) -> None:
    settings.ADMIN_PASSWORD = "of my own choice"
    logins, _ = run()
    assert logins["admin"] == "the password you gave"
    assert may_log_in(username="admin", password="of my own choice")


def test_the_second_start_changes_nothing() -> None:
    run()
    before = list(User.objects.order_by("pk").values_list("pk", "password"))
    assert run() == ({}, "")
    assert list(User.objects.order_by("pk").values_list("pk", "password")) == before


def test_without_the_sandbox_there_is_the_administrator_alone(settings) -> None:
    settings.SANDBOX = "off"
    logins, _ = run()
    assert (list(logins), Organisation.objects.count()) == (["admin"], 0)


def test_a_crash_before_the_passwords_were_told_makes_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(logins: object, say: object) -> None:
        raise OSError("the terminal is gone")

    with monkeypatch.context() as patch:
        patch.setattr(firststart, "_tell", broken)
        with pytest.raises(OSError, match="gone"):
            run()
    logins, _ = run()
    assert (len(logins), User.objects.count(), Organisation.objects.count()) == (9, 9, 2)
    assert all(may_log_in(username=name, password=password) for name, password in logins.items())


def test_who_has_logged_in_meanwhile_keeps_the_password() -> None:
    logins, _ = run()
    User.objects.filter(username="admin").update(last_login=timezone.now())
    Installation.objects.update(people_made_at=None)
    again, _ = run()
    assert again["admin"] != logins["admin"]
    assert may_log_in(username="admin", password=logins["admin"])


def test_a_database_with_other_people_gets_no_users() -> None:
    User.objects.create_user("somebody")
    assert run() == ({}, "")
    assert User.objects.count() == 1


def test_samples_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(firststart, "contributed_by_test", lambda *, say: loaded.append("x"), raising=False)
    monkeypatch.setattr(apps.get_app_config("events"), "samples", "energyopti.organisations.firststart:contributed_by_test")
    run()
    run()
    assert loaded == ["x"]


def test_samples_that_fail_are_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*, say: object) -> None:
        raise UpstreamUnreachable("the sandbox did not answer")

    monkeypatch.setattr(firststart, "contributed_by_test", fail, raising=False)
    monkeypatch.setattr(apps.get_app_config("events"), "samples", "energyopti.organisations.firststart:contributed_by_test")
    _, error = run()
    assert error == "Sample data are not loaded yet: the sandbox did not answer\n"
    assert Installation.objects.get().samples_loaded_at is None
    monkeypatch.setattr(firststart, "contributed_by_test", lambda *, say: None)
    run()
    assert Installation.objects.get().samples_loaded_at is not None


def test_two_starts_at_once_make_one_set_of_people() -> None:
    told: list[dict[str, str]] = []

    def start() -> None:
        told.append(run()[0])
        connections.close_all()

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(logins) for logins in told) == [0, 9]
    assert User.objects.count() == 9
