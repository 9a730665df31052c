from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "energyopti.events"
    label = "events"
    verbose_name = "Events"
