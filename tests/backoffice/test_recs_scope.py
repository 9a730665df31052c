"""Whose rows a page shows, through the real server acting as the application's role: unset, there would be none."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory, override_settings

from energyopti.db import APP_ROLE
from energyopti.organisations.middleware import RowScope
from energyopti.organisations.models import User
from recs.models import Account
from tests.backoffice.ledger import page, staffed
from tests.backoffice.people import staff
from tests.recs.world import Firm, firm, issued


@pytest.fixture
def east(served: str) -> Firm:
    made = staffed("east")
    issued(made)
    return made


def opened(url: str, user: User, path: str) -> requests.Response:
    """As the application's role; this test's own connection goes on as the owner."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    with override_settings(DATABASE_ROLE=APP_ROLE):
        return requests.get(url + path, cookies={settings.SESSION_COOKIE_NAME: cookie}, timeout=20)


LISTS = ("account", "generator", "batch", "policy", "command", "entry", "holding")


@pytest.mark.parametrize("model", LISTS)
def test_a_list_is_filled_for_members_and_empty_for_others(served: str, east: Firm, model: str) -> None:
    other = staffed("west")
    mine = opened(served, east.trader, page(f"{model}_changelist"))
    theirs = opened(served, other.trader, page(f"{model}_changelist"))
    assert (mine.status_code, theirs.status_code) == (200, 200)
    assert re.search(r'id="result_list"', mine.text)
    rows = re.findall(r'<th class="field-[^>]*><a href="[^"]*/(\d+)/change/', theirs.text)
    seen = {"account": [str(other.main.pk)], "policy": [str(other.organisation.pk)]}.get(model, [])
    assert rows == seen


def test_the_index_counts_what_is_ones_own(served: str, east: Firm) -> None:
    assert "1 open" in opened(served, east.trader, "/admin/").text
    outsider = opened(served, staff("outsider"), "/admin/").text
    assert "Certificates" not in outsider


def test_a_superuser_sees_all(served: str, east: Firm) -> None:
    found = opened(served, User.objects.create_superuser("root"), page("account_changelist"))
    assert "17 accounts" in found.text  # and the world outside, twice a registry


def test_without_the_middleware_there_are_no_rows(served: str, east: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """That the tests above test something."""
    monkeypatch.setattr("energyopti.organisations.middleware._reads_rows", lambda path: False)
    assert "0 accounts" in opened(served, east.trader, page("account_changelist")).text


# --- the middleware alone -------------------------------------------------------------------------


def scope() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('app.organisation', true), '')")
        return str(cursor.fetchone()[0])


def called(path: str, user: Any, view: Any) -> Any:
    request = RequestFactory().get(path)
    request.user = user
    return RowScope(lambda _: HttpResponse()).process_view(request, view, (), {})


@pytest.mark.django_db
def test_a_template_is_rendered_inside() -> None:
    seen: list[str] = []

    class Lazy(TemplateResponse):
        @property
        def rendered_content(self) -> str:
            seen.append(scope())
            return ""

    east = firm("east")
    answer = called("/recs/", east.trader, lambda request: Lazy(request, "error.html"))
    assert (answer.is_rendered, seen) == (True, [f"{{{east.organisation.pk}}}"])
    assert scope() == ""


@pytest.mark.django_db
def test_what_fails_takes_the_transaction_back() -> None:
    east = firm("east")

    def view(request: HttpRequest) -> HttpResponse:
        Account.objects.filter(pk=east.main.pk).update(name="renamed")
        raise ValueError("the view failed")

    with pytest.raises(ValueError, match="the view failed"):
        called("/admin/recs/account/", east.trader, view)
    assert Account.objects.get(pk=east.main.pk).name == "main"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/markets/", "/api/v1/rec/accounts", "/admin/feeds/upload/1/confirm/", "/admin/organisations/user/"])
def test_other_pages_and_the_api_are_left_alone(path: str) -> None:
    assert called(path, firm("east").trader, lambda request: pytest.fail("was called")) is None


@pytest.mark.django_db
def test_strangers_are_left_alone() -> None:
    from django.contrib.auth.models import AnonymousUser

    assert called("/recs/", AnonymousUser(), lambda request: pytest.fail("was called")) is None


@pytest.mark.django_db
def test_a_view_that_wants_no_transaction_has_none() -> None:
    @transaction.non_atomic_requests
    def view(request: HttpRequest) -> HttpResponse:
        return pytest.fail("was called")

    assert called("/admin/recs/pack/download/", firm("east").trader, view) is None


@pytest.mark.django_db
def test_an_error_leaves_as_the_houses_page(monkeypatch: pytest.MonkeyPatch) -> None:
    user = User.objects.create_superuser("root")
    client = Client(raise_request_exception=False)
    client.force_login(user)
    monkeypatch.setattr("recs.admin.waiting.open_commands", lambda *_: 1 / 0)
    answer = client.get(page("waiting"))
    assert (answer.status_code, "Internal" in answer.content.decode() or "failed" in answer.content.decode()) == (500, True)
    assert client.get(page("account_change", 999)).status_code == 302
    assert client.get(page("command_change", 999)).status_code == 404
