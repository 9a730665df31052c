from __future__ import annotations

from django.urls import path

from energyopti.api import views

urlpatterns = [
    path("feeds", views.Feeds.as_view(), name="api-feeds"),
    path("feeds/<str:feed>/pulls", views.Pulls.as_view(), name="api-pulls"),
    path("coverage", views.Coverage.as_view(), name="api-coverage"),
    path("me", views.Me.as_view(), name="api-me"),
]
