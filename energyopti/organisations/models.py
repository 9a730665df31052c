"""Organisations, their people, and the keys of programs."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person or a program that logs in."""
