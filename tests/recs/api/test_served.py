"""Every endpoint of the ledger over real HTTP, where the web acts as the application's role and the rows have their policies."""

from __future__ import annotations

import functools
import io
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from django.core.management import call_command
from django.db import connection
from django.db.backends.signals import connection_created
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from energyopti.db import APP_ROLE, role_exists
from recs.api.urls import urlpatterns
from recs.models import Account
from tests.recs import whole
from tests.recs.api.asking import Program
from tests.recs.world import Firm, batch, firm, generator, issued

pytestmark = pytest.mark.django_db(transaction=True)
FORMATS = ("json", "csv", "parquet", "arrow")
_keys = itertools.count(1)


class Over:
    """A program that asks over HTTP, and which endpoints it has reached."""

    reached: set[str] = set()

    def __init__(self, served: str, firm: Firm, role: str) -> None:
        self.url, self.headers = served, Program(firm.people[role]).headers

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **query: Any) -> Any:
        self.reached.add(path)
        headers = self.headers | ({"Idempotency-Key": f"k{next(_keys)}"} if method != "get" else {})
        answer = requests.request(method, f"{self.url}/api/v1{path}", json=body, params=query, headers=headers, timeout=30)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        fits(method.upper(), f"/api/v1{path}", answer)
        return answer

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("get", path, **query).json()

    def post(self, path: str, body: Any = None, *, status: int = 201) -> Any:
        return self.ask("post", path, body or {}, status=status).json()


@functools.cache
def document() -> Any:
    out = io.StringIO()
    call_command("spectacular", format="openapi-json", stdout=out)
    return schemathesis.openapi.from_dict(json.loads(out.getvalue()))


def fits(method: str, path: str, answer: requests.Response) -> None:
    """An answer is what the schema says: its status, its type, its shape."""
    template = re.sub(r"/[0-9]+", "/{id}", path)
    case = document()[template][method].Case(path_parameters={"id": 1} if template != path else {})
    case.validate_response(answer, checks=[status_code_conformance, content_type_conformance, response_schema_conformance])
    told = answer.json() if answer.headers["Content-Type"] == "application/json" else {}
    if "ranges" in told:  # a command has no field besides
        fields = document().raw_schema["components"]["schemas"]["WholeCommandShape" if "steps" in told else "CommandShape"]["properties"]
        assert set(told) == set(fields), path


@pytest.fixture
def firms(served: str, settings: Any) -> Iterator[tuple[Firm, Firm]]:
    """The test's own connection was made as the login; those that the server makes from now on act as the web does."""
    assert role_exists(APP_ROLE)
    made = firm("east"), firm("west")
    settings.DATABASE_ROLE = APP_ROLE
    acting: set[str] = set()

    def note(*, connection: Any, **_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            acting.add(cursor.fetchone()[0])

    connection_created.connect(note)
    yield made
    connection_created.disconnect(note)
    assert acting == {APP_ROLE}


def test_every_endpoint_works_under_the_row_policies(served: str, firms: tuple[Firm, Firm]) -> None:
    east, west = firms
    trader, officer, buyer = Over(served, east, "trader"), Over(served, east, "compliance_officer"), Over(served, west, "trader")
    Over.reached.clear()

    units = [{"registry": "mrets", "unit_id": "M1"}]
    wind = trader.post("/rec/generators", {"name": "P", "fuel_type": "wind", "state": "IA", "capacity_mw": 5, "registrations": units})
    assert trader.get(f"/rec/generators/{wind['id']}") == wind
    mirror = trader.post("/rec/accounts", {"name": "mirror", "registry": "mrets", "registry_account": "77"})
    outside = trader.post("/rec/accounts", {"name": "broker", "kind": "external"})
    spare = trader.post("/rec/accounts", {"name": "spare"})
    assert trader.ask("patch", f"/rec/accounts/{spare['id']}", {"name": "gone", "closed": True}).json()["closed_at"]
    assert trader.get(f"/rec/accounts/{spare['id']}")["name"] == "gone"

    new = {"registry": "mrets", "serial_base": "PW", "serial_start": 1, "quantity": 100, "generator": wind["id"], "vintage": "2024-03"}
    made = trader.post("/rec/issue", {"account": mirror["id"], **new})["ranges"][0]
    number, main = made["batch_id"], east.main.pk

    def some(first: int, last: int) -> dict[str, Any]:
        return {"ranges": [{"batch_id": number, "serial_start": first, "serial_end": last}]}

    moved = trader.post("/rec/transfer", {"from_account": mirror["id"], "to_account": main, **some(1, 80)})["id"]
    assert trader.get(f"/rec/commands/{moved}/instruction")["rows"] == [["PW 1-80", "80", "", "", ""]]
    confirmed = {"reference": "T1", "reference_date": "2024-06-01"}
    assert trader.post(f"/rec/transfers/{moved}/confirm", confirmed, status=200)["status"] == "completed"
    gone = trader.post("/rec/export", {"account": mirror["id"], "to_registry": "nar", **some(81, 90)})["id"]
    assert trader.post(f"/rec/transfers/{gone}/confirm", confirmed, status=200)["status"] == "completed"
    imported = {**new, "registry": "nar", "serial_base": "N", "quantity": 10, "kind": "import", "export": gone, "account": main}
    assert trader.post("/rec/issue", imported)["status"] == "completed"
    refused = trader.post("/rec/export", {"account": mirror["id"], "to_registry": "nar", **some(91, 92)})["id"]
    assert trader.post(f"/rec/transfers/{refused}/refuse", status=200)["status"] == "rejected"

    outcomes = {"accept": (buyer, "completed", 1, 5), "reject": (buyer, "rejected", 6, 9), "cancel": (trader, "cancelled", 6, 9)}
    for how, (who, status, first, last) in outcomes.items():
        offered = trader.post("/rec/transfer", {"from_account": main, "to_account": west.main.pk, **some(first, last)})["id"]
        assert [piece["serials"] for piece in buyer.get(f"/rec/commands/{offered}")["ranges"]] == [f"PW {first}-{last}"]
        assert who.post(f"/rec/transfers/{offered}/{how}", status=200)["status"] == status
    assert [row["serials"] for row in buyer.ask("post", "/rec/query", {}).json()["results"]] == ["PW 1-5"]
    assert [row["kind"] for row in buyer.get(f"/rec/batches/{number}/history")["results"]] == ["recorded", "accept"]

    reserved = trader.post("/rec/reserve", {"account": main, **some(10, 12)})["id"]
    assert trader.post(f"/rec/reserves/{reserved}/release", status=200)["status"] == "completed"
    sold = trader.post("/rec/transfer", {"from_account": main, "to_account": outside["id"], **some(13, 15)})
    assert trader.post("/rec/receive", {"from_account": outside["id"], "to_account": main, **some(13, 15)})["status"] == "completed"
    assert sold["status"] == "completed"
    assert officer.post("/rec/retire", {"account": main, "beneficiary": "x", "reason": "y", **some(16, 20)})["status"] == "completed"
    inside = trader.post("/rec/accounts", {"name": "inside"})["id"]
    there = trader.post("/rec/transfer", {"from_account": main, "to_account": inside, **some(21, 25)})["id"]
    assert trader.post("/rec/reverse", {"id": there})["status"] == "completed"
    bulk = trader.post("/rec/bulk", {"moves": [{"kind": "transfer", "from_account": main, "to_account": inside, "quantity": 1}] * 3})
    assert [one["status"] for one in bulk["commands"]] == ["completed"] * 3

    asked = officer.post("/rec/transfer", {"from_account": main, "to_account": inside, **some(30, 31)})
    assert asked["self_approved"] is True
    officer.ask("post", f"/rec/transfers/{asked['id']}/approve", {}, status=409)

    for path in ("/rec/accounts", "/rec/generators", "/rec/registries", "/rec/commands", "/rec/holdings", f"/rec/batches/{number}/history"):
        sizes = [len(trader.ask("get", path, format=form).content) for form in FORMATS]
        assert all(size > 100 for size in sizes), (path, sizes)
    for form in FORMATS:
        assert len(trader.ask("post", "/rec/query", {"format": form}).content) > 100

    patterns = {"/" + str(one.pattern) for one in urlpatterns}
    told = {"/".join("<int:id>" if part.isdigit() else part for part in path.split("/")) for path in Over.reached}
    assert patterns - told == set()
    assert whole.violations() == set()


def test_a_foreign_organisation_reaches_nothing(served: str, firms: tuple[Firm, Firm]) -> None:
    east, west = firms
    theirs = issued(east)
    recorded = batch(east, base="later")
    wind = theirs.generator
    stranger = Over(served, west, "administrator")
    mine = generator(west, "Mine")
    for path in (
        f"/rec/accounts/{east.main.pk}",
        f"/rec/generators/{wind.pk}",
        f"/rec/batches/{theirs.pk}/history",
        "/rec/commands/1",
    ):
        stranger.ask("get", path, status=404)
    for path in ("/rec/accounts", "/rec/generators", "/rec/commands", "/rec/holdings"):
        stranger.ask("get", path, owner_id="east", status=404)
    stranger.ask("patch", f"/rec/accounts/{east.main.pk}", {"name": "mine"}, status=404)
    before = digest()
    some = [{"batch_id": theirs.pk, "serial_start": 1, "serial_end": 1}]
    new = {"registry": "mrets", "serial_base": "Z", "serial_start": 1, "quantity": 1, "vintage": "2024-03"}
    for path, body in (
        ("/rec/query", {"owner_id": "east"}),
        ("/rec/accounts", {"owner_id": "east", "name": "x"}),
        ("/rec/generators", {"owner_id": "east", "name": "x", "fuel_type": "wind", "state": "IA", "capacity_mw": 1}),
        ("/rec/transfer", {"from_account": east.main.pk, "to_account": west.main.pk, "quantity": 1}),
        ("/rec/reserve", {"account": east.main.pk, "quantity": 1}),
        ("/rec/export", {"account": east.main.pk, "to_registry": "nar", "quantity": 1, "registry": "mrets"}),
        ("/rec/retire", {"account": east.main.pk, "quantity": 1, "beneficiary": "x", "reason": "y"}),
        ("/rec/receive", {"from_account": west.main.pk, "to_account": east.main.pk, "ranges": some}),
        ("/rec/reverse", {"id": 1}),
        ("/rec/issue", {"account": west.main.pk, "generator": wind.pk, **new}),
        ("/rec/issue", {"account": east.main.pk, "generator": mine.pk, **new}),
        ("/rec/issue", {"account": west.main.pk, "batch_id": recorded.pk}),
        ("/rec/issue", {"account": west.main.pk, "generator": mine.pk, **new, "variance_of": theirs.pk}),
        ("/rec/bulk", {"moves": [{"kind": "reserve", "from_account": east.main.pk, "quantity": 1}]}),
    ):
        stranger.ask("post", path, body, status=404)
    assert digest() == before


def digest() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(id), (SELECT count(*) FROM recs_account), (SELECT count(*) FROM recs_batch) FROM recs_command")
        return [cursor.fetchall(), list(Account.objects.order_by("id").values_list("id", "name"))]
