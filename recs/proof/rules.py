"""What verify_ledger proves. Each rule is a file of sql/: what it says, what it looks at, and a query that finds what breaks it.

A query gives `id` and `found`, a sentence that tells what to look at; no row: the rule holds. Its second part, where there is
one, proves what came after the newest seal by look-ups from there. Else the first part does both: `:entry`, `:command` and
`:cash_entry` are the last numbers of that seal, or 0 for all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SQL = Path(__file__).parent / "sql"
NAMES = (
    *("holdings_tile_issued", "entries_conserved", "entries_continue", "retired_stays", "journal_sums_to_holdings"),
    *("holdings_follow_entries", "commands_make_sense", "commands_do_what_they_say", "commands_follow_their_root", "command_hashes"),
    *("held_is_open", "retired_for_one_purpose", "retirement_hashes", "cash_balances", "cash_follows_commands", "cash_hashes"),
    *("batches_apart", "imports_within_exports", "worlds_apart"),
    *(
        "triggers_stand",
        "constraints_stand",
        "functions_as_released",
        "definitions_stand",
        "rights_stand",
        "rows_are_guarded",
        "seals_hold",
    ),
)
# What a rule looks at, and how much of it there is
COUNTS = {
    "entries": "SELECT count(*) FROM recs_entry WHERE id > :entry",
    "commands": "SELECT count(*) FROM recs_command WHERE id > :command",
    "retirements": "SELECT count(*) FROM recs_retirement WHERE command_id > :command",
    "cash entries": "SELECT count(*) FROM recs_cashentry WHERE id > :cash_entry",
    "holdings": "SELECT count(*) FROM recs_holding WHERE entry_id > :entry",
    "cash accounts": "SELECT count(*) FROM recs_cashaccount",
    "batches": "SELECT count(*) FROM recs_batch",
    "accounts": "SELECT count(*) FROM recs_account",
    "seals": "SELECT count(*) FROM recs_seal",
    "triggers": """SELECT count(*) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
                   WHERE NOT g.tgisinternal AND c.relnamespace = current_schema()::regnamespace AND c.relname LIKE 'recs\\_%'""",
    "constraints": """SELECT count(*) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
                      WHERE c.relnamespace = current_schema()::regnamespace AND c.relname LIKE 'recs\\_%'""",
    "functions": "SELECT count(*) FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'recs\\_%'",
    "definitions": "SELECT count(*) FROM (:there) there",
    "row policies": """SELECT count(*) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
                       WHERE c.relnamespace = current_schema()::regnamespace AND c.relname LIKE 'recs\\_%'""",
}
_FILE = re.compile(
    r"-- (?P<says>[^\n]+)\n-- looks at: (?P<looks_at>[^\n]+)\n(?:-- whole only: (?P<whole_only>[^\n]+)\n)?"
    r"(?:-- worded by PostgreSQL: (?P<worded>[^\n]+)\n)?"
    r"(?P<whole>.+?)(?:\n-- since the newest seal:\n(?P<since>.+))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    says: str
    looks_at: str
    whole: str
    since: str | None  # None: only the whole can be proved
    worded: bool = False  # compares what PostgreSQL says of itself with what it said when this was released: on that version alone


@cache
def rules() -> tuple[Rule, ...]:
    return tuple(map(_read, NAMES))


def _read(name: str) -> Rule:
    text = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    if (read := _FILE.fullmatch(text)) is None:
        raise ValueError(f"{name}.sql is no rule: it begins with what it says and what it looks at")
    says, looks_at, whole_only, worded, whole, since = read.group("says", "looks_at", "whole_only", "worded", "whole", "since")
    return Rule(name, says, looks_at, whole, None if whole_only else since or whole, worded is not None)
