"""All reads of certificates, under `energyopti.organisations.scope.seeing(...)`: without it there is nothing to see."""

from recs.queries.commands import command, commands, open_commands, outcome, outcomes, pieces, with_key
from recs.queries.life import batch_history, batch_seen, life, units
from recs.queries.portfolio import holdings, portfolio
from recs.queries.reading import STATUSES
from recs.queries.records import accounts, field_history, generators, registries, registry_code, usable_generator
from recs.queries.rows import (
    AccountRow,
    Change,
    CommandRow,
    CommandStep,
    Eligible,
    GeneratorRow,
    HoldingRow,
    Piece,
    PortfolioLine,
    Step,
    Unit,
)
from recs.queries.serials import find_serial, serials_text, written

__all__ = [
    "STATUSES",
    "AccountRow",
    "Change",
    "CommandRow",
    "CommandStep",
    "Eligible",
    "GeneratorRow",
    "HoldingRow",
    "Piece",
    "PortfolioLine",
    "Step",
    "Unit",
    "accounts",
    "batch_history",
    "batch_seen",
    "command",
    "commands",
    "field_history",
    "find_serial",
    "generators",
    "holdings",
    "life",
    "open_commands",
    "outcome",
    "outcomes",
    "pieces",
    "portfolio",
    "registries",
    "registry_code",
    "serials_text",
    "units",
    "usable_generator",
    "with_key",
    "written",
]
