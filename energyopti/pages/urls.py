from __future__ import annotations

from django.urls import path

from energyopti.pages import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("status/", views.status, name="status"),
]
