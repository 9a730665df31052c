"""After the storm: was anything lost, answered differently, half done?"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from django.db import connection

from recs.errors import LedgerError
from recs.proof import pack
from recs.proof.prove import prove, proving
from tests.recs.stress import diary
from tests.recs.stress.intents import Intent, keys, send

Report = dict[str, Any]


def judge(folder: Path, log: Path) -> Report:
    lines = [line for path in sorted(folder.glob("worker-*.log")) for line in diary.read(path)]
    audits = list(diary.read(folder / "auditor.log"))
    asked = {line["intent"]["key"]: line["intent"] for line in lines if line["what"] == "asked"}
    done = {line["key"]: line["made"] for line in lines if line["what"] == "done"}
    refused = {line["key"] for line in lines if line["what"] == "refused"} - set(done)
    surprises = [line["error"] for line in lines if line["what"] == "surprise"]
    stored = _stored()
    replays = [line for line in lines if line["what"] == "replayed"]
    unknown = [intent for key, intent in asked.items() if key not in done and key not in refused]
    return {
        "asked": len(asked),
        "acknowledged": len(done),
        "by kind": dict(Counter(asked[key]["call"] for key in done).most_common()),
        "refused": dict(Counter(line["code"] for line in lines if line["what"] == "refused").most_common()),
        "lost": [key for key, made in done.items() if [stored.get(one) for one in keys(asked[key])] != made],
        "refused and yet done": [key for key in refused if any(one in stored for one in keys(asked[key]))],
        "replays": len(replays),
        "wrong replays": [line for line in replays if line["again"] != line["made"]],
        "surprises": surprises,
        "unknown": len(unknown),
        "unknown and done": sum(all(one in stored for one in keys(intent)) for intent in unknown),
        "half done": [intent["key"] for intent in unknown if len({one in stored for one in keys(intent)}) > 1],
        "inconsistent": [intent["key"] for intent in unknown if not _consistent(intent, stored)],
        "deadlocks": log.read_text(errors="replace").count("deadlock detected"),
        "audits": len(audits),
        "audits that found something": [line["broken"] for line in audits if line["broken"]],
        **_proved(folder),
    }


def _stored() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key::text, id FROM recs_command")
        return dict(cursor.fetchall())


def _consistent(intent: Intent, stored: dict[str, int]) -> bool:
    """Asked again twice: what is stored is told, and what is refused is refused again and leaves nothing."""
    before = [stored.get(one) for one in keys(intent)]
    first, second = _answer(intent), _answer(intent)
    after = _stored()
    if None not in before:
        return first == second == before
    return first == second and (isinstance(first, str) != all(one in after for one in keys(intent)))


def _answer(intent: Intent) -> list[int] | str:
    try:
        return send(intent)
    except LedgerError as refused:
        return refused.code


def _proved(folder: Path) -> Report:
    out = folder / "ledger.zip"
    with proving() as cursor:
        verdicts = list(prove(cursor))
    with out.open("wb") as file:
        pack.write(file, organisation=None)
    verified = subprocess.run([sys.executable, "-I", str(pack.VERIFIER), str(out)], capture_output=True, text=True, check=False)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM recs_command), (SELECT count(*) FROM recs_entry), (SELECT count(*) FROM recs_holding),"
            " (SELECT count(*) FROM recs_retirement), (SELECT count(*) FROM recs_cashentry), (SELECT count(*) FROM recs_seal)"
        )
        counts = cursor.fetchone()
    return {
        "rows": dict(zip(("commands", "entries", "holdings", "retirements", "cash entries", "seals"), counts, strict=True)),
        "rules": len(verdicts),
        "broken": {verdict.rule.name: list(verdict.offenders) for verdict in verdicts if not verdict.holds},
        "pack": verified.stdout.splitlines()[-1:],
        "pack proves itself": verified.returncode == 0,
    }
