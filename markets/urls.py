from __future__ import annotations

from django.urls import path

from markets import views

urlpatterns = [path("", views.markets, name="markets")]
