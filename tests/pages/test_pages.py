"""Pages for people who are logged in, and what stands on each of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.test import Client

from energyopti.feeds.models import SyncRun
from energyopti.organisations.models import User
from energyopti.pages import cards

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_sandbox(settings) -> None:
    settings.SANDBOX, settings.SANDBOX_URL, settings.PJM_API_KEY = "auto", "http://127.0.0.1:9", ""


@pytest.fixture
def with_key(settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY = "auto", "a-real-key"


def test_a_stranger_is_sent_to_log_in_and_back(client: Client) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/")


def test_a_person_logs_in_and_out(client: Client, user: User) -> None:
    answer = client.post("/accounts/login/", {"username": "trader", "password": "a long password", "next": "/"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/").status_code == 200
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert client.get("/").status_code == 302


def test_a_wrong_password_is_one_sentence(client: Client, user: User) -> None:
    page = client.post("/accounts/login/", {"username": "trader", "password": "wrong"}).content.decode()
    assert "do not belong together" in page


def test_looking_does_not_log_out(person: Client) -> None:
    assert person.get("/accounts/logout/").status_code == 405
    assert person.get("/").status_code == 200


def test_the_overview_shows_each_feed_and_its_last_run(person: Client, with_key: None) -> None:
    SyncRun.objects.create(
        feed="pjm.pnode", sandbox=False, trigger="person", source="x", status="complete", finished_at=datetime(2026, 11, 23, tzinfo=UTC)
    )
    page = person.get("/").content.decode()
    row = re.search(r"<br><code>pjm\.pnode</code>.*?</tr>", page, re.DOTALL)[0]
    assert 'class="status complete"' in row
    assert "sandbox" not in row


def test_a_feed_that_cannot_be_reached_says_why(person: Client, settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY = "off", ""
    assert "PJM_API_KEY is not set and SANDBOX is off" in person.get("/").content.decode()


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/api/docs/", "/admin/login/", "/nothing"])
def test_every_page_says_that_the_sandbox_answers(client: Client, in_sandbox: None, user: User, path: str) -> None:
    if path == "/":
        client.force_login(user)
    assert 'class="sandbox-mark"' in client.get(path).content.decode()


def test_the_mark_does_not_call_real_prices_invented(person: Client, in_sandbox: None) -> None:
    """A real file may have come for a feed that the sandbox answers: the mark is about the answers, not about what is shown."""
    SyncRun.objects.create(
        feed="pjm.rt_hrl_lmps",
        sandbox=False,
        trigger="person",
        source="x",
        status="complete",
        finished_at=datetime(2026, 11, 23, tzinfo=UTC),
    )
    mark = re.search(r'class="sandbox-mark".*?</p>', person.get("/").content.decode())[0]
    assert "The built-in sandbox answers for these feeds; what it sends is invented: " in mark
    assert "show invented" not in mark


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/api/docs/", "/admin/login/"])
def test_no_page_says_so_when_it_does_not(client: Client, with_key: None, user: User, path: str) -> None:
    if path == "/":
        client.force_login(user)
    page = client.get(path).content.decode()
    assert "</html>" in page
    assert "sandbox-mark" not in page


def test_the_back_office_says_so_too(client: Client, in_sandbox: None) -> None:
    client.force_login(User.objects.create_superuser("root"))
    assert 'class="sandbox-mark"' in client.get("/admin/").content.decode()


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/nothing"])
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(person: Client, path: str) -> None:
    answer = person.get(path)
    page = answer.content.decode()
    assert not re.search(r"<script(?! src=\"/static/[\w./-]+\"></script>)|<style|\sstyle=|\son\w+=|//(?!localhost)[a-z]", page)
    assert answer["Content-Security-Policy"].startswith("default-src 'self';")


def test_only_staff_is_shown_the_back_office(person: Client) -> None:
    assert "/admin/" not in person.get("/").content.decode()


def test_cards_come_from_apps_in_their_order(person: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[User] = []

    def context(user: User) -> dict[str, object]:
        seen.append(user)
        return {"feeds": []}

    card = cards.Card(title="Mine", template="pages/feeds_card.html", context=context, order=1)
    monkeypatch.setattr(cards, "TESTS", (card,), raising=False)
    monkeypatch.setattr(apps.get_app_config("events"), "cards", "energyopti.pages.cards:TESTS", raising=False)
    cards.contributed.cache_clear()
    try:
        page = person.get("/").content.decode()
    finally:
        cards.contributed.cache_clear()
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert titles[0] == "Mine"
    assert "Feeds" in titles[1:]
    assert [user.username for user in seen] == ["trader"]


def test_the_overview_takes_few_queries(person: Client, django_assert_max_num_queries) -> None:
    person.get("/")
    with django_assert_max_num_queries(12):
        person.get("/")
