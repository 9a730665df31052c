"""What registries are called."""

from __future__ import annotations

from recs.reference import REGISTRIES

NAMES: dict[str, str] = {told["code"]: told["name"] for told in REGISTRIES if told["kept_in_id"] is None}
