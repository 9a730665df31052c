"""Our settings with django-hordak beside our apps: a peer, known to the processes that race against it and to nothing else."""

from energyopti.settings import *  # noqa: F403
from energyopti.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "mptt", "hordak"]
DEFAULT_CURRENCY = HORDAK_INTERNAL_CURRENCY = "USD"
CURRENCIES = ["USD"]
