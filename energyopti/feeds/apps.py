from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "energyopti.feeds"
    label = "feeds"
    verbose_name = "Feeds"
