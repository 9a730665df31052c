from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "energyopti.pages"
    label = "pages"
    verbose_name = "Pages"
    cards = "energyopti.pages.feeds_card:CARDS"
