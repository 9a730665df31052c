from __future__ import annotations

from django.urls import path

from recs import views

urlpatterns = [
    path("", views.recs, name="recs"),
    path("serial/", views.serial, name="recs-serial"),
    path("commands/<int:number>/", views.command, name="recs-command"),
]
