"""Static files, before and after collectstatic."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client, RequestFactory

from energyopti.pages.static import Static, StaticStorage

FACTORY = RequestFactory()


@pytest.fixture
def collected(settings, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", "--noinput", verbosity=0)
    return tmp_path


def test_before_collectstatic_files_come_from_the_source(client: Client) -> None:
    answer = client.get("/static/energyopti.css")
    assert (answer.status_code, answer["Content-Type"]) == (200, 'text/css; charset="utf-8"')
    assert answer.content == Path("static/energyopti.css").read_bytes()


def test_a_body_is_whole_not_a_stream(client: Client) -> None:
    assert not client.get("/static/energyopti.css").streaming


def test_after_it_names_are_hashed(collected: Path) -> None:
    name = StaticStorage(location=collected).stored_name("energyopti.css")
    assert name == json.loads((collected / "staticfiles.json").read_text())["paths"]["energyopti.css"] != "energyopti.css"


def test_hashed_names_are_kept_for_ever_and_compressed(collected: Path) -> None:
    name = StaticStorage(location=collected).stored_name("energyopti.css")
    serve = Static(lambda request: HttpResponse(status=404))
    answer = serve(FACTORY.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"}))
    assert (answer.status_code, answer["Content-Encoding"]) == (200, "gzip")
    assert answer.content == (collected / f"{name}.gz").read_bytes()


def test_what_is_not_changed_is_not_sent_again(client: Client) -> None:
    stamp = client.get("/static/energyopti.css")["Last-Modified"]
    answer = client.get("/static/energyopti.css", headers={"If-Modified-Since": stamp})
    assert (answer.status_code, answer.content) == (304, b"")
