from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RecsConfig(AppConfig):
    name = "recs"
    verbose_name = "Renewable energy certificates"
    samples = "recs.samples:load"
    cards = "recs.cards:CARDS"
    schedule = "recs.schedule:ENTRIES"

    def ready(self) -> None:
        from recs import reference

        post_migrate.connect(reference.load, sender=self, dispatch_uid="recs.reference")
