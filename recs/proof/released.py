"""What the database should be by this release: read from the models, from the SQL of the migrations, and from released.json, which
holds what PostgreSQL itself says of a new database (tests/recs/test_proof_released.py compares the two, and writes it anew)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db.models import ForeignKey, Model

SQL = Path(__file__).parents[1] / "migrations" / "sql"
FILE = Path(__file__).with_name("released.json")
DEFINITIONS = Path(__file__).with_name("definitions.sql").read_text(encoding="utf-8")
_FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (?P<name>\w+)\((?P<head>[^;]*?)AS \$\$(?P<body>.*?)\$\$", re.DOTALL)


def constraints() -> list[dict[str, str]]:
    """Those with a name of their own, and the primary keys."""
    named = [_of(model, constraint.name) for model in _models() for constraint in model._meta.constraints]
    return named + [_of(model, f"{model._meta.db_table}_pkey") for model in _models()]


def foreign_keys() -> list[dict[str, str]]:
    """Columns that refer to another table. Their constraints' names hold a hash: the column says which is meant."""
    return [_of(model, field.column) for model, field in _columns() if isinstance(field, ForeignKey) and field.db_constraint]  # type: ignore[attr-defined]


def not_null() -> list[dict[str, str]]:
    return [_of(model, field.column) for model, field in _columns() if not field.null and not field.generated]


def functions() -> list[dict[str, Any]]:
    """Functions whose body is kept as written: name, body, whether it acts with its owner's rights. The last definition counts."""
    found = {}
    for path in sorted(SQL.glob("*.sql")):
        if not path.name.endswith(".reverse.sql"):
            for made in _FUNCTION.finditer(path.read_text(encoding="utf-8")):
                found[made["name"]] = {"name": made["name"], "body": made["body"], "definer": "SECURITY DEFINER" in made["head"]}
    return list(found.values())


def definitions() -> dict[str, str]:
    """Of functions the SHA-256 alone: their text stands in the migrations."""
    told: dict[str, str] = _file()["definitions"]
    return told


def major() -> int:
    """The version of PostgreSQL whose words those are."""
    return int(_file()["postgresql"])


@cache
def _file() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return told


def _models() -> Iterator[type[Model]]:
    """Those of people and of the journal; the histories have triggers, and no constraints worth a name."""
    return (model for model in apps.get_app_config("recs").get_models() if not hasattr(model, "history_object"))


def _columns() -> Iterator[tuple[type[Model], Any]]:
    return ((model, field) for model in _models() for field in model._meta.concrete_fields)


def _of(model: type[Model], name: str) -> dict[str, str]:
    return {"relation": model._meta.db_table, "name": name}
