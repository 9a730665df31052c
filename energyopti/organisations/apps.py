from django.apps import AppConfig
from django.db.backends.signals import connection_created


class OrganisationsConfig(AppConfig):
    name = "energyopti.organisations"
    label = "organisations"
    verbose_name = "Organisations"
    schedule = "energyopti.organisations.schedule:ENTRIES"

    def ready(self) -> None:
        from energyopti import celery, db  # noqa: F401 -- celery: so that a task sent from the web finds its broker

        connection_created.connect(db.take_role, dispatch_uid="energyopti.db.take_role")
