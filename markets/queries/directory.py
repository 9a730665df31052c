"""Nodes: the list, the names people type, and the ones the installation follows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Trim, Upper
from django.utils import timezone

from energyopti.errors import InvalidInput
from markets.models import FollowedNode, Node
from markets.types import NodeRow

FOLLOWED_TYPES = ("ZONE", "HUB", "INTERFACE")  # while nobody has chosen


class UnknownNode(InvalidInput):
    """Nodes that nobody knows; the sentence lists them."""

    code = "unknown-node"


class AmbiguousNode(InvalidInput):
    """A name that several active nodes bear: their ids tell them apart."""

    code = "ambiguous-node"


def nodes(
    *, sandbox: bool, q: str = "", type: str = "", zone: str = "", active_on: datetime | None = None, limit: int | None = None
) -> list[NodeRow]:
    """Nodes in their effective windows, by id and time. `q`: part of a name, or an id; `type`, `zone` whole; case is ignored."""
    rows = Node.objects.filter(sandbox=sandbox)
    if q:
        rows = _by_name(rows).filter(Q(key__contains=plain(q)) | (Q(pnode_id=int(q)) if _is_id(q) else Q()))
    if type:
        rows = rows.filter(type__iexact=type)
    if zone:
        rows = rows.filter(zone__iexact=zone)
    if active_on:
        rows = rows.filter(_active(active_on))
    return [_row(node) for node in rows.order_by("pnode_id", "effective_from")[:limit]]


def followed(*, sandbox: bool) -> tuple[int, ...]:
    """Ids, ascending: what people chose; while nobody has, the active zones, hubs and interfaces."""
    if chosen_by_people(sandbox=sandbox):
        return tuple(FollowedNode.objects.filter(sandbox=sandbox).order_by("pnode_id").values_list("pnode_id", flat=True))
    usual = Node.objects.filter(_active(timezone.now()), sandbox=sandbox).annotate(kind_of=Upper("type"))
    return tuple(usual.filter(kind_of__in=FOLLOWED_TYPES).order_by("pnode_id").values_list("pnode_id", flat=True).distinct())


def chosen_by_people(*, sandbox: bool) -> bool:
    """Whether anybody ever changed the followed set; an emptied one is a choice too."""
    return bool(FollowedNode.history.filter(sandbox=sandbox).exists())


def resolve(names: Sequence[str], *, sandbox: bool) -> tuple[int, ...]:
    """Ids, ascending, for ids or names; case and the length of blanks in a name are ignored.

    While no node is known at all, an id is believed. Raises UnknownNode that lists every name not known, AmbiguousNode.
    """
    typed = {name: plain(name) for name in names if name.strip()}
    ids = {name: int(name) for name in typed if _is_id(name)}
    known = Node.objects.filter(sandbox=sandbox)
    known_ids = set(known.filter(pnode_id__in=ids.values()).values_list("pnode_id", flat=True)) if known.exists() else set(ids.values())
    by_name = _ids_by_name(known, {key for name, key in typed.items() if name not in ids})
    unknown = [name for name, key in typed.items() if (ids[name] not in known_ids if name in ids else key not in by_name)]
    if unknown:
        raise UnknownNode(f"no node is called {', '.join(unknown)}; sync pjm.pnode brings the node list", field="nodes")
    return tuple(sorted({ids[name] if name in ids else _one(name, by_name[key]) for name, key in typed.items()}))


def _one(name: str, found: set[int]) -> int:
    if len(found) > 1:
        raise AmbiguousNode(f"{name} is the name of {', '.join(map(str, sorted(found)))}; write the id", field="nodes")
    return next(iter(found))


def _ids_by_name(known: QuerySet[Node], keys: set[str]) -> dict[str, set[int]]:
    """Name → ids that bear it, those of active nodes where there are any."""
    found: dict[str, dict[bool, set[int]]] = {}
    named = _by_name(known).filter(key__in=keys)
    now = timezone.now()
    for key, node, start, end in named.values_list("key", "pnode_id", "effective_from", "effective_to"):
        found.setdefault(key, {}).setdefault(start <= now and (end is None or end > now), set()).add(node)
    return {key: ids.get(True) or ids[False] for key, ids in found.items()}


def kinds(ids: Sequence[int], *, sandbox: bool) -> dict[int, str]:
    """id → type of those that are known; of a node with several windows the last."""
    rows = Node.objects.filter(sandbox=sandbox, pnode_id__in=ids).exclude(type="").order_by("effective_from")
    return dict(rows.values_list("pnode_id", "type"))


def plain(name: str) -> str:
    """A name as it is compared: upper case, runs of blanks made one."""
    return " ".join(name.upper().split())


def _by_name(rows: QuerySet[Node]) -> QuerySet[Any]:
    one_blank = Func(F("name"), Value(r"\s+"), Value(" "), Value("g"), function="regexp_replace", output_field=TextField())
    return rows.annotate(key=Upper(Trim(one_blank)))


def _active(instant: datetime) -> Q:
    return Q(effective_from__lte=instant) & (Q(effective_to=None) | Q(effective_to__gt=instant))


def _is_id(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdigit() and len(text.strip()) < 19


def _row(node: Node) -> NodeRow:
    return NodeRow(
        node_id=node.pnode_id,
        node_name=node.name,
        node_type=node.type,
        kind=node.kind,
        zone=node.zone,
        voltage=node.voltage,
        effective_from=node.effective_from,
        effective_to=node.effective_to,
        origin=node.origin,
        run_id=node.run_id,
        sandbox=node.sandbox,
    )
