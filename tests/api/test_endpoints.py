"""The installation's own endpoints, and the schema that tells of them."""

from __future__ import annotations

import pytest
from django.test import Client

from energyopti.feeds import registry
from tests.api import probe

pytestmark = pytest.mark.django_db


def test_feeds_are_listed_with_their_licence(program: Client, settings) -> None:
    settings.SANDBOX, settings.SANDBOX_URL, settings.PJM_API_KEY = "on", "http://127.0.0.1:9", ""
    body = program.get("/api/v1/feeds").json()
    assert list(body) == ["results", "next", "meta"]
    assert [feed["name"] for feed in body["results"]] == list(registry.feeds())
    assert body["meta"] == {"source": "this installation", "licence": None, "sandbox": True, "freshness": None, "complete": None}
    nodes = next(feed for feed in body["results"] if feed["name"] == "pjm.pnode")
    licence = registry.feed("pjm.pnode").licence
    assert nodes == {
        "name": "pjm.pnode",
        "title": "Pricing nodes",
        "upstream": registry.upstream("pjm").title,
        "cadence": registry.feed("pjm.pnode").cadence,
        "licence": licence.text,
        "licence_url": licence.url,
        "licence_display": False,
        "licence_derive": False,
        "licence_export": False,
        "sandbox": True,
        "problem": "",
        "last_run_status": "",
        "last_run_at": None,
        "complete": 0,
        "total": 0,
    }


def test_listing_feeds_takes_the_same_few_queries_however_many_there_are(program: Client, django_assert_max_num_queries) -> None:
    program.get("/api/v1/me")
    with django_assert_max_num_queries(4):
        program.get("/api/v1/feeds")


def test_the_schema_tells_keys_parameters_and_problems(client: Client, settings) -> None:
    settings.ROOT_URLCONF = probe.__name__
    schema = client.get("/api/schema/", headers={"Accept": "application/json"}).json()
    takes = schema["paths"]["/api/v1/probe/takes"]["get"]
    assert [parameter["name"] for parameter in takes["parameters"]] == ["node", "zone"]
    assert takes["responses"]["default"]["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_the_schema_names_every_field_of_a_feed(client: Client) -> None:
    schema = client.get("/api/schema/", headers={"Accept": "application/json"}).json()
    assert {"/api/v1/feeds", "/api/v1/coverage", "/api/v1/me"} <= set(schema["paths"])
    assert sorted(schema["components"]["schemas"]["Problem"]["required"]) == sorted(
        ["type", "title", "status", "detail", "instance", "request_id", "errors"]
    )


def test_the_docs_load_nothing_from_elsewhere_and_nothing_inline(client: Client) -> None:
    page = client.get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "https://" not in text.replace("http://www.w3.org", "")
    assert text.count("<script") == text.count("<script src=") == 3
    assert "<style" not in text
    assert "'unsafe" not in page["Content-Security-Policy"]


def test_the_docs_scripts_are_served(client: Client) -> None:
    for part in client.get("/api/docs/").content.decode().split('<script src="')[1:]:
        answer = client.get(part.split('"')[0].replace("&amp;", "&"))
        assert (answer.status_code, "javascript" in answer["Content-Type"]) == (200, True)
