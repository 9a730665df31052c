"""Names that registries give, told apart as registries do: neither by letter case nor by blanks."""

from __future__ import annotations

from django.db.models import F, Func, Q, Value
from django.db.models.functions import Upper


def is_plain(field: str) -> Q:
    """Printable ASCII, single blanks between: what looks the same is the same."""
    return Q(**{f"{field}__regex": "^[!-~]+( [!-~]+)*$"})


def same_text(field: str) -> Upper:
    """What spellings of one name have in common. By "C" it is the same on each system, so that an index may rely on it."""
    by_c = '%(function)s(%(expressions)s) COLLATE "C"'
    return Upper(Func(F(field), Value("[^!-~]"), Value(""), Value("g"), function="regexp_replace", template=by_c))
