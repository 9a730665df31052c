"""/api/docs/: all it needs comes from here, and it says how to get in."""

from __future__ import annotations

import html
import re

import pytest
from django.core.management import get_commands
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client) -> str:
    answer = client.get("/api/docs/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    return answer.content.decode()


def test_it_says_how_to_make_a_key_by_a_command_that_is_there(page: str) -> None:
    command = re.search(r"manage\.py (\w+) --user NAME --name LABEL", page)
    assert command is not None
    assert command[1] in get_commands()


def test_its_example_names_the_address_one_has_come_by_and_an_endpoint_that_is_there(page: str, client: Client) -> None:
    address = re.search(r'curl -H "Authorization: Bearer KEY" "http://testserver(/[^"]+)"', html.unescape(page))
    assert address is not None
    assert client.get(address[1]).status_code == 401  # it is there, and wants a key


def test_every_part_is_served_from_here(page: str, client: Client) -> None:
    parts = [html.unescape(part) for part in re.findall(r'(?:src|href)="([^"]+)"', page)]
    assert len(parts) == 8
    assert {part: client.get(part).status_code for part in parts if part != "/"} == {part: 200 for part in parts if part != "/"}


def test_nothing_is_inline(page: str) -> None:
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page) == []


def test_a_sandbox_is_marked(client: Client, settings) -> None:
    settings.SANDBOX, settings.SANDBOX_URL, settings.PJM_API_KEY = "on", "http://127.0.0.1:9", ""
    assert 'class="sandbox-mark"' in client.get("/api/docs/").content.decode()


def test_the_script_points_to_the_schema_here(page: str, client: Client) -> None:
    script = html.unescape(re.findall(r'<script src="([^"]+)"', page)[-1])
    text = client.get(script).content.decode()
    assert "/api/schema/" in text
    assert "http://" not in text.replace("http://testserver", "")
