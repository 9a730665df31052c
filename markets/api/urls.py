from __future__ import annotations

from django.urls import path

from markets.api import views

urlpatterns = [
    path("pjm/lmp", views.Lmp.as_view(), name="api-pjm-lmp"),
    path("pjm/lmp/revisions", views.Revisions.as_view(), name="api-pjm-lmp-revisions"),
    path("pjm/lmp/latest", views.Latest.as_view(), name="api-pjm-lmp-latest"),
    path("pjm/lmp/top-congestion", views.TopCongestion.as_view(), name="api-pjm-lmp-top-congestion"),
    path("pjm/nodes", views.Nodes.as_view(), name="api-pjm-nodes"),
]
