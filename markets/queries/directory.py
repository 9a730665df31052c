"""Nodes: the list, the names people type, and the ones the installation follows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Upper
from django.utils import timezone

from energyopti.errors import InvalidInput
from markets import arrays
from markets.models import FollowedNode, Node
from markets.models.nodes import plain_name
from markets.types import NodeRow, NodeSeen

_NAMES = (
    "SELECT DISTINCT ON (pnode_id) pnode_id, name, type, zone, voltage FROM markets_node WHERE sandbox = %(sandbox)s{some}"
    " ORDER BY pnode_id, effective_from >= %(at)s, abs(extract(epoch FROM effective_from - %(at)s))"
)
ROW = ("pnode_id", "name", "type", "kind", "zone", "voltage", "effective_from", "effective_to", "origin", "run_id", "sandbox")
# the index node_by_plain_name is over this expression
_FOUND = (
    r"SELECT upper(trim(regexp_replace(name, '\s+', ' ', 'g'))), pnode_id, effective_from, effective_to FROM markets_node"
    r" WHERE sandbox = %(sandbox)s AND (pnode_id = ANY(%(ids)s::bigint[])"
    r" OR upper(trim(regexp_replace(name, '\s+', ' ', 'g'))) = ANY(%(keys)s::text[]))"
)
FOLLOWED_TYPES = ("ZONE", "HUB", "INTERFACE")  # while nobody has chosen


class UnknownNode(InvalidInput):
    """Nodes that nobody knows; the sentence lists them."""

    code = "unknown-node"


class AmbiguousNode(InvalidInput):
    """A name that several active nodes bear: their ids tell them apart."""

    code = "ambiguous-node"


def nodes(
    *,
    sandbox: bool,
    q: str = "",
    type: str = "",
    zone: str = "",
    active_on: datetime | None = None,
    after: tuple[int, datetime] | None = None,
    limit: int | None = None,
) -> list[NodeRow]:
    """Nodes in their effective windows, by id and time, behind `after`. `q`: part of a name, or an id; `type`, `zone` whole;
    case is ignored."""
    rows = Node.objects.using(settings.READ_DATABASE).filter(sandbox=sandbox)
    if q:
        rows = _by_name(rows).filter(Q(key__contains=plain(q)) | (Q(pnode_id=int(q)) if _is_id(q) else Q()))
    if type:
        rows = rows.filter(type__iexact=type)
    if zone:
        rows = rows.filter(zone__iexact=zone)
    if active_on:
        rows = rows.filter(active(active_on))
    if after:
        node, start = after
        rows = rows.filter(Q(pnode_id__gt=node) | Q(pnode_id=node, effective_from__gt=start))
    return [NodeRow(*row) for row in rows.order_by("pnode_id", "effective_from").values_list(*ROW)[:limit]]


def listed_at(*, sandbox: bool) -> datetime | None:
    """When a run last changed the node list."""
    rows = Node.objects.using(settings.READ_DATABASE).filter(sandbox=sandbox)
    found: datetime | None = rows.aggregate(last=Max("run__started_at"))["last"]
    return found


def is_sandbox() -> bool:
    """Whether the only nodes that are known are the sandbox's."""
    rows = Node.objects.using(settings.READ_DATABASE)
    return not rows.filter(sandbox=False).exists() and rows.filter(sandbox=True).exists()


def names(ids: Sequence[int] | None, *, at: datetime, sandbox: bool) -> dict[int, NodeSeen]:
    """What nodes (None: all) are called in the last of their windows that begins before `at`, else in their first; by id."""
    some = "" if ids is None else " AND pnode_id = ANY(%(ids)s::bigint[])"
    params = {"sandbox": sandbox, "at": at, "ids": None if ids is None else arrays.literal(np.asarray(ids, np.int64))}
    with arrays.reading() as rows:
        found = rows.execute(_NAMES.format(some=some), params).fetchall()
    return {node: NodeSeen(*said) for node, *said in found}


def followed(*, sandbox: bool) -> tuple[int, ...]:
    """Ids, ascending: what people chose; while nobody has, the active zones, hubs and interfaces."""
    if chosen_by_people(sandbox=sandbox):
        return tuple(FollowedNode.objects.filter(sandbox=sandbox).order_by("pnode_id").values_list("pnode_id", flat=True))
    usual = Node.objects.filter(active(timezone.now()), sandbox=sandbox).annotate(kind_of=Upper("type"))
    return tuple(usual.filter(kind_of__in=FOLLOWED_TYPES).order_by("pnode_id").values_list("pnode_id", flat=True).distinct())


def chosen_by_people(*, sandbox: bool) -> bool:
    """Whether anybody ever changed the followed set; an emptied one is a choice too."""
    return bool(FollowedNode.history.filter(sandbox=sandbox).exists())


def resolve(names: Sequence[str], *, sandbox: bool) -> tuple[int, ...]:
    """Ids, ascending, for ids or names; case and the length of blanks in a name are ignored.

    Digits are an id where there is one, else a name. While no node is known at all, an id is believed. Raises UnknownNode
    that lists every name not known, AmbiguousNode.
    """
    typed = {name: plain(name) for name in names if name.strip()}
    ids = {name: int(name) for name in typed if _is_id(name)}
    known, by_name = _found(set(ids.values()), set(typed.values()), sandbox=sandbox)
    by_id = {name for name, node in ids.items() if node in known}
    unknown = [name for name, key in typed.items() if name not in by_id and key not in by_name]
    if unknown and not all(name in ids for name in unknown):
        raise _unknown(unknown)
    if unknown and Node.objects.using(settings.READ_DATABASE).filter(sandbox=sandbox).exists():
        raise _unknown(unknown)
    by_id |= set(unknown)
    return tuple(sorted({ids[name] if name in by_id else _one(name, by_name[key]) for name, key in typed.items()}))


def _unknown(names: Sequence[str]) -> UnknownNode:
    return UnknownNode(f"no node is called {', '.join(names)}; sync pjm.pnode brings the node list", field="nodes")


def _one(name: str, found: set[int]) -> int:
    if len(found) > 1:
        raise AmbiguousNode(f"{name} is the name of {', '.join(map(str, sorted(found)))}; write the id", field="nodes")
    return next(iter(found))


def _found(ids: set[int], keys: set[str], *, sandbox: bool) -> tuple[set[int], dict[str, set[int]]]:
    """Of `ids` those that are known; name → ids that bear it, those of active nodes where there are any. One query."""
    with arrays.reading() as rows:
        rows.execute(_FOUND, {"sandbox": sandbox, "ids": sorted(ids), "keys": sorted(keys)})
        listed = rows.fetchall()
    known: set[int] = set()
    found: dict[str, dict[bool, set[int]]] = {}
    now = timezone.now()
    for key, node, start, end in listed:
        known.add(node)
        found.setdefault(key, {}).setdefault(start <= now and (end is None or end > now), set()).add(node)
    return known & ids, {key: nodes.get(True) or nodes[False] for key, nodes in found.items() if key in keys}


def kinds(ids: Sequence[int], *, sandbox: bool) -> dict[int, str]:
    """id → type of those that are known; of a node with several windows the last."""
    rows = Node.objects.filter(sandbox=sandbox, pnode_id__in=ids).exclude(type="").order_by("effective_from")
    return dict(rows.values_list("pnode_id", "type"))


def plain(name: str) -> str:
    """A name as it is compared: upper case, runs of blanks made one."""
    return " ".join(name.upper().split())


def _by_name(rows: QuerySet[Node]) -> QuerySet[Any]:
    return rows.annotate(key=plain_name())


def active(instant: datetime) -> Q:
    return Q(effective_from__lte=instant) & (Q(effective_to=None) | Q(effective_to__gt=instant))


def _is_id(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdigit() and len(text.strip()) < 19
