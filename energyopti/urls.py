from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from energyopti import metrics
from energyopti.api import fallback, health

urlpatterns = [
    path("", include("energyopti.pages.urls")),
    path("accounts/", include("energyopti.organisations.urls")),
    path("markets/", include("markets.urls")),
    path("recs/", include("recs.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("energyopti.api.urls")),
    path("api/v1/", include("markets.api.urls")),
    path("api/v1/", include("recs.api.urls")),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(), name="docs"),
    re_path(r"^api/", fallback.unknown),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics, name="metrics"),
]
handler400 = "energyopti.api.fallback.bad_request"
handler403 = "energyopti.api.fallback.forbidden"
handler404 = "energyopti.api.fallback.not_found"
handler500 = "energyopti.api.fallback.server_error"
