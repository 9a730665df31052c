"""Settings: one file, read from the environment (.env.example lists it all)."""

from __future__ import annotations

from pathlib import Path

import dj_database_url
from dotenv import load_dotenv

from energyopti import env

BASE_DIR = Path(__file__).resolve().parent.parent
load_dotenv(BASE_DIR / ".env")
HOME = Path(env.text("ENERGYOPTI_HOME", str(BASE_DIR / "var"))).resolve()

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY", "insecure-development-key")
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "simple_history",
    "rest_framework",
    "django_celery_beat",
    "energyopti.organisations",
    "energyopti.events",
    "energyopti.feeds",
    "markets",
]
AUTH_USER_MODEL = "organisations.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "energyopti.urls"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {"default": dj_database_url.config(env="DATABASE_URL")}
REDIS_URL = env.text("REDIS_URL")
USE_TZ = True
TIME_ZONE = "UTC"

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    "archive": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": HOME / "archive"}},
}

# --- upstreams ---
SANDBOX = env.choice("SANDBOX", ("auto", "on", "off"), "auto")
SANDBOX_URL = env.text("SANDBOX_URL")  # where the built-in sandbox listens; set by the one-machine runner
PJM_API_KEY = env.text("PJM_API_KEY")
PJM_BASE_URL = env.text("PJM_BASE_URL", "https://api.pjm.com/api/v1")
PJM_MEMBER = env.flag("PJM_MEMBER", False)
PJM_RATE_LIMIT_DELAY = env.text("PJM_RATE_LIMIT_DELAY") and env.number("PJM_RATE_LIMIT_DELAY", 0)
PJM_TIMEOUT = env.number("PJM_TIMEOUT", 30)
PJM_MAX_RETRIES = int(env.number("PJM_MAX_RETRIES", 3))
PJM_CACHE_DURATION = int(env.number("PJM_CACHE_DURATION", 300))
