"""All that somebody with the rights of the tables' owner may try. One table: test_attacks.py tries it, test_mutations.py takes
the guards away one by one."""

from tests.recs.attacks import cash, certificates, commands, records, retired
from tests.recs.attacks.table import ATTACKS

__all__ = ["ATTACKS", "cash", "certificates", "commands", "records", "retired"]
