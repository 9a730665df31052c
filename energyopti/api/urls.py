from __future__ import annotations

from django.urls import path

from energyopti.api import views

urlpatterns = [
    path("feeds", views.Feeds.as_view(), name="api-feeds"),
    path("me", views.Me.as_view(), name="api-me"),
]
