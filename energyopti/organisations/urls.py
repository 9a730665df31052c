from __future__ import annotations

from django.contrib.auth import views as auth
from django.urls import path

from energyopti.organisations import entrance, views

urlpatterns = [
    path("login/", entrance.Login.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", entrance.PasswordChange.as_view(), name="password_change"),
    path("reset/", entrance.PasswordReset.as_view(), name="password_reset"),
    path("reset/sent/", auth.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", entrance.PasswordResetConfirm.as_view(), name="password_reset_confirm"),
    path("invitation/<str:token>/", entrance.invitation, name="invitation"),
    path("keys/", views.keys, name="keys"),
    path("keys/<int:pk>/revoke/", views.revoke_key, name="account-key-revoke"),
    path("people/", views.people, name="people"),
    path("people/<slug:slug>/", views.people, name="people"),
    path("people/<slug:slug>/invite/", views.invite, name="account-invite"),
    path("people/<slug:slug>/members/<int:pk>/role/", views.change_role, name="account-role"),
    path("people/<slug:slug>/members/<int:pk>/remove/", views.remove, name="account-remove"),
    path("people/<slug:slug>/invitations/<int:pk>/withdraw/", views.withdraw, name="account-withdraw"),
]
