"""Settings: one file, read from the environment (.env.example lists it all)."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv

from energyopti import env, logs

BASE_DIR = Path(__file__).resolve().parent.parent
load_dotenv(BASE_DIR / ".env")
HOME = Path(env.text("ENERGYOPTI_HOME", str(BASE_DIR / "var"))).resolve()

# --- the installation ---
DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY", "for-development-only" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set; set it to 50 random characters, or start with make run, which makes one")
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.items("CSRF_TRUSTED_ORIGINS")
ADMIN_PASSWORD = env.text("ADMIN_PASSWORD")  # of the user admin on a new database
# Whoever answers to a name in the world does so behind TLS; plain HTTP is for this machine alone. A proxy on this
# machine says by X-Forwarded-Proto that it spoke TLS: uvicorn believes it from loopback (--forwarded-allow-ips).
LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
SECURE = not DEBUG and not set(ALLOWED_HOSTS) <= LOOPBACK

# A browser sends a cookie to every port of a host: two copies on one machine would log each other's people out
_copy = hashlib.sha256(SECRET_KEY.encode()).hexdigest()[:8]
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"sessionid_{_copy}", f"csrftoken_{_copy}"
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # probes speak plain HTTP from inside
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000  # of a request that brings no file; energyopti/bodies.py says what of one that does
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 10
# W005, W021: whether all subdomains, and for good, speak TLS is for the domain's owner to say, not for one application in it
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

INSTALLED_APPS = [
    "energyopti.backoffice.apps.BackOfficeConfig",  # django.contrib.admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "simple_history",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "axes",
    "energyopti.organisations",
    "energyopti.api",
    "energyopti.events",
    "energyopti.feeds",
    "energyopti.pages",
    "markets",
    "recs",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "energyopti.urls"
WSGI_APPLICATION = "energyopti.wsgi.application"
MIDDLEWARE = [
    "energyopti.metrics.Counting",
    "energyopti.logs.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "energyopti.pages.middleware.ContentSecurity",
    "energyopti.bodies.Limit",
    "energyopti.pages.static.Static",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
    "energyopti.organisations.middleware.RowScope",
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
                "energyopti.pages.context.sandbox",
            ]
        },
    }
]
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "energyopti.backoffice.formats"

# --- people ---
AUTH_USER_MODEL = "organisations.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
SESSION_COOKIE_AGE = 12 * 3600  # a working day, counted from the login
PASSWORD_RESET_TIMEOUT = 3600
# Guessing: five wrong passwords for a name from an address shut that pair out. The address is REMOTE_ADDR: uvicorn puts
# X-Forwarded-For there when a proxy on this machine sent it, and believes nobody else
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # else somebody else could keep a person out for good
AXES_LOCKOUT_CALLABLE = "energyopti.organisations.entrance.locked"
AXES_CLIENT_IP_CALLABLE = "energyopti.organisations.lockout.address_of"
AXES_HANDLER = "energyopti.organisations.lockout.Handler"  # and many names from one address
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "next"]  # next may be an invitation's link
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False  # the users' list unlocks
AXES_VERBOSE = False
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
CSRF_FAILURE_VIEW = "energyopti.api.fallback.csrf_failure"
globals().update(env.email("EMAIL_URL"))

# --- services ---
# Web and workers act as this role (asgi.py and celery.py name it); commands act as the login, which may change tables.
DATABASE_ROLE = env.text("ENERGYOPTI_DB_ROLE")
DATABASES: dict[str, dict[str, Any]] = {"default": env.database("DATABASE_URL")}
if env.text("DATABASE_REPLICA_URL"):
    DATABASES["replica"] = {**env.database("DATABASE_REPLICA_URL"), "TEST": {"MIRROR": "default"}}
READ_DATABASE = "replica" if "replica" in DATABASES else "default"  # for queries that may be a moment behind
# A pool only in the web: a lock of a database session must stay on its connection while a command or a task runs
if env.flag("ENERGYOPTI_DB_POOL", False):
    for _database in DATABASES.values():
        _database.setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": 20, "timeout": 5}
        _database["CONN_HEALTH_CHECKS"] = True  # a restart of PostgreSQL leaves dead ones in the pool

REDIS_URL = env.redis("REDIS_URL")
CACHES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "energyopti",
        "OPTIONS": {"socket_timeout": 5},
    }

STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": HOME / "media"}},
    "staticfiles": {"BACKEND": "energyopti.pages.static.StaticStorage"},
    "archive": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": HOME / "archive"}},
}

# --- the API ---
API_RATE = env.text("API_RATE", "600/minute")
API_STRANGER_RATE = env.text("API_STRANGER_RATE", "120/minute")
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["energyopti.api.auth.KeyAuthentication", "rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "energyopti.api.auth.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["energyopti.api.throttles.Throttle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["energyopti.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "energyopti.api.schema.Schema",
    "EXCEPTION_HANDLER": "energyopti.api.problems.handle",
    "URL_FORMAT_OVERRIDE": None,  # ?format= is a parameter of the endpoints that have formats
}
SPECTACULAR_SETTINGS = {
    "TITLE": "EnergyOpti",
    "DESCRIPTION": "Power prices, and how complete they are; renewable energy certificates, and who owns them."
    " Times are UTC; intervals are half-open; units stand in a field's name.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],  # the schema holds no data
    "SERVE_AUTHENTICATION": [],
    "AUTHENTICATION_WHITELIST": ["energyopti.api.auth.KeyAuthentication"],  # a browser's session is nothing to type into a form
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": 0},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["energyopti.api.schema.add_problems"],
}

# --- files that people hand over ---
UPLOAD_MAX_MB = env.whole("UPLOAD_MAX_MB", 200)

# --- upstreams ---
SANDBOX = env.choice("SANDBOX", ("auto", "on", "off"), "auto")
SANDBOX_URL = env.text("SANDBOX_URL")  # where the built-in sandbox listens; set by the one-machine runner
PJM_API_KEY = env.text("PJM_API_KEY")
PJM_BASE_URL = env.text("PJM_BASE_URL", "https://api.pjm.com/api/v1")
PJM_MEMBER = env.flag("PJM_MEMBER", False)
PJM_RATE_LIMIT_DELAY = env.text("PJM_RATE_LIMIT_DELAY") and env.number("PJM_RATE_LIMIT_DELAY", 0)
PJM_TIMEOUT = env.number("PJM_TIMEOUT", 30)
PJM_MAX_RETRIES = env.whole("PJM_MAX_RETRIES", 3)
PJM_CACHE_DURATION = env.whole("PJM_CACHE_DURATION", 300)

# --- logs: last, because they must know every secret above ---
logs.hide(logs.secrets_of(globals(), urls=[env.text("DATABASE_URL"), env.text("DATABASE_REPLICA_URL"), REDIS_URL]))
LOGGING_CONFIG = "energyopti.logs.configure"
LOGGING = {"readable": DEBUG}
