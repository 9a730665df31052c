"""Business records that people edit, and the journal that only recs/ledger.py writes."""

from recs.models.accounts import Account, Policy
from recs.models.batches import Batch, GenerationRead
from recs.models.cash import CashAccount, CashEntry
from recs.models.generators import Eligibility, Generator, Registration
from recs.models.journal import Bucket, Command, Entry, Holding, Kind, Retirement, Seal
from recs.models.registries import Registry

__all__ = [
    "Account",
    "Batch",
    "Bucket",
    "CashAccount",
    "CashEntry",
    "Command",
    "Eligibility",
    "Entry",
    "GenerationRead",
    "Generator",
    "Holding",
    "Kind",
    "Policy",
    "Registration",
    "Registry",
    "Retirement",
    "Seal",
]
