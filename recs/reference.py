"""Reference data that every installation has: the eight registries, and the world outside each."""

from __future__ import annotations

from typing import Any

from django.db import connections, transaction

# The names and serial examples: facts/recs.md section 2 (registry documents read November 2026); an empty example: none was seen
_RESEARCH = "registry documentation, read November 2026"
REGISTRIES: tuple[dict[str, Any], ...] = (
    {"code": "mrets", "name": "M-RETS", "operator": "CleanCounts", "serial_example": "", "kept_in_id": None},
    {"code": "nar", "name": "North American Renewables Registry", "operator": "Xpansiv", "serial_example": "", "kept_in_id": None},
    {"code": "wregis", "name": "WREGIS", "operator": "WECC", "serial_example": "", "kept_in_id": None},
    {"code": "nepool", "name": "NEPOOL GIS", "operator": "Xpansiv", "serial_example": "4086133 - 24 to 137", "kept_in_id": None},
    {"code": "gats", "name": "PJM-EIS GATS", "operator": "PJM-EIS", "serial_example": "1771330 1-10", "kept_in_id": None},
    {"code": "ercot", "name": "ERCOT REC programme", "operator": "ERCOT", "serial_example": "000001 -- 000031", "kept_in_id": None},
    {"code": "caiso", "name": "California (kept in WREGIS)", "operator": "", "serial_example": "", "kept_in_id": "wregis"},
    {"code": "nyiso", "name": "NYGATS", "operator": "NYSERDA", "serial_example": "", "kept_in_id": None},
)


def load(*, using: str = "default", **_: Any) -> None:
    """After every migrate: what is missing or has changed is put right, nothing else is touched."""
    from recs.models import Account, Registry

    if Registry._meta.db_table not in connections[using].introspection.table_names():
        return  # migrating backwards
    with transaction.atomic(using=using):
        for told in REGISTRIES:
            registry = Registry.objects.using(using).filter(code=told["code"]).first() or Registry(code=told["code"])
            wanted = told | {"source": _RESEARCH}
            if registry._state.adding or any(getattr(registry, name) != value for name, value in wanted.items()):
                for name, value in wanted.items():
                    setattr(registry, name, value)
                registry.save(using=using)
        for told in REGISTRIES:
            for sandbox in (False, True):
                name = f"Outside: {told['name']}{' (sandbox)' if sandbox else ''}"
                if not Account.objects.using(using).filter(kind="world", registry=told["code"], sandbox=sandbox).exists():
                    Account(kind="world", registry_id=told["code"], sandbox=sandbox, name=name).save(using=using)
