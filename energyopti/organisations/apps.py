from django.apps import AppConfig


class OrganisationsConfig(AppConfig):
    name = "energyopti.organisations"
    label = "organisations"
    verbose_name = "Organisations"
