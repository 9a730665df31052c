"""The whole API against its own schema, over real HTTP: thought-up questions, right and wrong ones, on a day of sandbox data.

No question may end in a 500, and every answer must be one that the schema tells of. The questions are the same in each run.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import redis
import requests
import schemathesis
from django.conf import settings as django_settings
from django.core.management import call_command
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from energyopti.db import APP_ROLE
from energyopti.organisations import services
from energyopti.organisations.models import APIKey, Membership, User
from recs import ledger
from recs.models import Batch
from tests.feeds.conftest import archive_folder, upstream  # noqa: F401 -- fixtures
from tests.feeds.sandboxed import days, pull
from tests.recs import world
from tests.served import _server, served  # noqa: F401 -- fixtures

pytestmark = pytest.mark.django_db(transaction=True)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
EXAMPLES = {GenerationMode.POSITIVE: 20, GenerationMode.NEGATIVE: 10}  # an operation; the whole takes a minute
DAY = date(2026, 6, 18)
OURS = {
    "start_time": "2026-06-18T04:00:00Z",
    "end_time": "2026-06-18T06:00:00Z",
    "date": DAY.isoformat(),
    "market_type": "day_ahead",
    "nodes": "51288",
}


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    out = io.StringIO()
    call_command("spectacular", format="openapi-json", stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


@pytest.fixture
def key(served: str, upstream: Any, settings: Any) -> Iterator[dict[str, str]]:  # noqa: F811
    """Of somebody who may do all, on a day of data."""
    settings.API_RATE = settings.API_STRANGER_RATE = "100000/minute"
    for feed in ("pjm.pnode", "pjm.da_hrl_lmps"):
        assert pull(days(DAY, feed=feed), feed=feed).status == "complete"
    user = User.objects.create_user("staff", is_staff=True)
    _certificates(user)
    settings.DATABASE_ROLE = APP_ROLE  # of the connections that the server makes from now on
    yield {"Authorization": f"Bearer {services.make_api_key(user=user, name='all', scope=APIKey.Scope.WRITE)[1]}"}
    redis.Redis.from_url(django_settings.REDIS_URL).delete("energyopti:celery")  # pulls that were thought up


def _certificates(user: User) -> None:
    """Of an organisation of theirs: accounts, a batch that is issued, an offer from outside."""
    east, west = world.firm("east"), world.firm("west")
    Membership.objects.create(user=user, organisation=east.organisation, role="administrator")
    world.issued(east)
    world.issued(west, base="W", of=world.generator(west, "Western"))
    ledger.transfer(key=world.key(), by=west.trader, from_account=west.main.pk, to_account=east.main.pk, quantity=5)


def address_of(operation: Any) -> str:
    return str(operation.path.replace("{feed}", "pjm.pnode").replace("{id}", "1"))


def operations(document: dict[str, Any]) -> Iterator[Any]:
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        yield result.ok()


def test_no_question_ends_in_a_500_and_every_answer_is_as_told(document: dict[str, Any], served: str, key: dict[str, str]) -> None:  # noqa: F811
    asked: dict[str, set[int]] = {}
    for operation in operations(document):
        for mode, examples in EXAMPLES.items():

            @settings(
                max_examples=examples,
                derandomize=True,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                answer = case.call(base_url=served, headers=key)
                asked.setdefault(case.operation.label, set()).add(answer.status_code)
                case.validate_response(answer, checks=CHECKS)

            ask()
    assert set(asked) == {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert {label for label, statuses in asked.items() if 200 in statuses} >= {
        "GET /api/v1/feeds",
        "GET /api/v1/coverage",
        "GET /api/v1/me",
    }


def test_an_unknown_parameter_is_refused_everywhere(document: dict[str, Any], served: str, key: dict[str, str]) -> None:  # noqa: F811
    refused = {}
    for operation in operations(document):
        address = f"{served}{address_of(operation)}"
        answer = requests.request(operation.method, address, params={"surprise": "1"}, json={}, headers=key, timeout=20)
        refused[operation.label] = (answer.status_code, "?surprise" in [fault["pointer"] for fault in answer.json()["errors"]])
    assert refused == dict.fromkeys(refused, (400, True))


def test_a_stranger_gets_nothing_anywhere(document: dict[str, Any], served: str, key: dict[str, str]) -> None:  # noqa: F811
    for operation in operations(document):
        answer = requests.request(operation.method, f"{served}{address_of(operation)}", json={}, timeout=20)
        assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json"), operation.label


@pytest.mark.parametrize("form", ["json", "csv", "parquet", "arrow"])
def test_a_plain_question_is_answered_in_every_format(
    document: dict[str, Any],
    served: str,  # noqa: F811
    key: dict[str, str],
    form: str,
) -> None:
    """With the parameters that an endpoint demands, on the day that is there: what is asked at random is rarely right."""
    checked = []
    for operation in operations(document):
        names = {parameter["name"]: parameter for parameter in document["paths"][operation.path][operation.method].get("parameters", [])}
        if "format" not in names:
            continue
        query = {"format": form} | {name: OURS[name] for name, parameter in names.items() if parameter.get("required") and name in OURS}
        path = {"id": Batch.objects.earliest("id").pk} if "id" in names else {}
        case = operation.Case(
            query=query, path_parameters=path, **({"body": {}, "media_type": "application/json"} if operation.body else {})
        )
        answer = case.call(base_url=served, headers=key)
        assert answer.status_code == 200, (operation.label, answer.content)
        case.validate_response(answer, checks=CHECKS)
        checked.append(operation.path)
    assert {"/api/v1/feeds", "/api/v1/coverage", "/api/v1/rec/query", "/api/v1/rec/commands"} <= set(checked)
