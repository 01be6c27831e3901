"""Settings of the console, every one from the environment (names and defaults: docs/settings.md)."""

import os
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF

from console import kept_databases
from console.addresses import addresses, port_of
from console.embedded_redis import embedded_redis_url
from console.gate import STRANGER_BODY_MAX  # noqa: F401 - bounds what a form keeps, too
from console.process import asks_services, signs_people_in
from hostagent.files import make_open
from protocol.broker_url import verified
from protocol.jobs import TAKE_WITHIN_S
from protocol.names import LOOPBACK
from protocol.secret_settings import SECRET_SETTINGS, SecretSettingError, check_scheme, read
from protocol.version import VERSION as PAIRWISE_VERSION  # noqa: F401 - pages and exports name it
from provisioning.core.arrival import bracketed, place

env = environ.Env()
try:
    _SECRETS = {name: read(name, os.environ) for name in SECRET_SETTINGS}
    for _name, _value in _SECRETS.items():
        check_scheme(_name, _value)
except SecretSettingError as error:
    # Whatever starts with these settings ends with the sentence, and not with a way through this file.
    print(error, file=sys.stderr)
    raise SystemExit(2) from None
BASE_DIR = Path(__file__).resolve().parent.parent

# --- where things are
PAIRWISE_DATA_DIR = Path(env.str("PAIRWISE_DATA_DIR", str(BASE_DIR / "var"))).resolve()
PAIRWISE_ONLY = env.str("PAIRWISE_ONLY", "")
make_open(PAIRWISE_DATA_DIR)
try:
    _KEPT_ADDRESSES = kept_databases.addresses(PAIRWISE_DATA_DIR, _SECRETS)
except kept_databases.Contradiction as error:
    print(error, file=sys.stderr)
    raise SystemExit(2) from None
PAIRWISE_HOST = env.str("PAIRWISE_HOST", "127.0.0.1")
PAIRWISE_PORT = env.int("PAIRWISE_PORT", 8000)
PAIRWISE_CONTROL_HOST = env.str("PAIRWISE_CONTROL_HOST", PAIRWISE_HOST)
PAIRWISE_CONTROL_PORT = env.int("PAIRWISE_CONTROL_PORT", 2020)
PAIRWISE_CONTROLS = addresses(env.str("PAIRWISE_CONTROLS", ""))
"""(host, port) of every control, when there are several; the first is the one that servers are installed with."""
PAIRWISE_LCA_PORT = env.int("PAIRWISE_LCA_PORT", 4999)
PAIRWISE_LOOK_MINUTES = env.int("PAIRWISE_LOOK_MINUTES", 15)
PAIRWISE_PACKAGES_DIR = Path(env.str("PAIRWISE_PACKAGES_DIR", str(PAIRWISE_DATA_DIR / "packages"))).resolve()
PAIRWISE_AGENT_DIR = PAIRWISE_DATA_DIR / "agent"
PAIRWISE_CLIENT_DIR = PAIRWISE_DATA_DIR / "client"


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _kept_secret(name: str) -> str:
    """A secret made on first use and kept in the data directory (mode 0600)."""
    path = PAIRWISE_DATA_DIR / name
    try:
        with open(path, "x", opener=_private) as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text().strip()


SECRET_KEY_IS_GIVEN = bool(_SECRETS["PAIRWISE_SECRET_KEY"])
SECRET_KEY = _SECRETS["PAIRWISE_SECRET_KEY"] or _kept_secret("secret_key")
SECRET_KEY_FALLBACKS = _SECRETS["PAIRWISE_SECRET_KEY_FALLBACKS"].split()
"""Former keys that still count while the key is rotated, newest first."""
PAIRWISE_MOVE_PASSWORD, PAIRWISE_BACKUP_KEY = _SECRETS["PAIRWISE_MOVE_PASSWORD"], _SECRETS["PAIRWISE_BACKUP_KEY"]
"""For the commands ``move``, and ``backup`` and ``restore``; no other process gets them."""
PAIRWISE_ADMIN_PASSWORD = _SECRETS["PAIRWISE_ADMIN_PASSWORD"]
"""Of the first administrator, set at a start; for ``up`` and ``setup_local``, whose children do not get it."""

# --- what other hosts use
PAIRWISE_ADVERTISED_HOST = env.str("PAIRWISE_ADVERTISED_HOST", "")
PAIRWISE_CONSOLE_URL = env.str("PAIRWISE_CONSOLE_URL", "").rstrip("/")
PAIRWISE_REDIS_PORT = env.int("PAIRWISE_REDIS_PORT", 2021)
REDIS_IS_EMBEDDED = not _SECRETS["PAIRWISE_REDIS_URL"]
EMBEDDED_REDIS_PASSWORD = "" if not REDIS_IS_EMBEDDED or PAIRWISE_HOST in LOOPBACK else _kept_secret("broker_password")
"""Set when the embedded Redis listens on the network, "" when only this account of this machine reaches it."""
PAIRWISE_REDIS_SERVER = env.str("PAIRWISE_REDIS_SERVER", "")
"""Program of the embedded Redis, "" for the one that comes with Pairwise."""
PAIRWISE_REDIS_CA = env.str("PAIRWISE_REDIS_CA", "")
PAIRWISE_REDIS_URL = verified(
    _SECRETS["PAIRWISE_REDIS_URL"] or embedded_redis_url(PAIRWISE_DATA_DIR, EMBEDDED_REDIS_PASSWORD),
    PAIRWISE_REDIS_CA)
PAIRWISE_BROKER_URL = _SECRETS["PAIRWISE_BROKER_URL"]
"""A RabbitMQ that carries jobs and reports, "" when Redis does; Redis carries the notices to open pages in any case."""
PAIRWISE_BROKER_URL_FOR_HOSTS = _SECRETS["PAIRWISE_BROKER_URL_FOR_HOSTS"]
"""The same RabbitMQ, by host with an account that this one alone has: the console's own is given to none."""

# --- TLS: on where other machines connect, unless plain was chosen
PAIRWISE_HTTPS = env.bool("PAIRWISE_HTTPS", False)
PAIRWISE_CONTROL_TLS = env.bool(
    "PAIRWISE_CONTROL_TLS", not {PAIRWISE_CONTROL_HOST, *(host for host, _ in PAIRWISE_CONTROLS)} <= LOOPBACK)
PAIRWISE_WEB_TLS = env.bool("PAIRWISE_WEB_TLS",
                            PAIRWISE_HOST not in LOOPBACK and not PAIRWISE_HTTPS and not PAIRWISE_CONSOLE_URL)
PAIRWISE_TLS_DIR = PAIRWISE_DATA_DIR / "tls"
TLS_IS_OWN = not env.str("PAIRWISE_TLS_CERTIFICATE", "")
PAIRWISE_TLS_CERTIFICATE = env.str("PAIRWISE_TLS_CERTIFICATE", "") or str(PAIRWISE_TLS_DIR / "console.pem")
PAIRWISE_TLS_KEY = env.str("PAIRWISE_TLS_KEY", "") or (str(PAIRWISE_TLS_DIR / "console.key") if TLS_IS_OWN else "")
PAIRWISE_TLS_CA = env.str("PAIRWISE_TLS_CA", "") or (str(PAIRWISE_TLS_DIR / "ca.pem") if TLS_IS_OWN else "")
PAIRWISE_DRILL_CA = env.str("PAIRWISE_DRILL_CA", "")
PAIRWISE_TLS_NAMES = env.list("PAIRWISE_TLS_NAMES", default=[])

DEBUG = env.bool("PAIRWISE_DEBUG", False)
DEFAULT_EXCEPTION_REPORTER_FILTER = "console.faults.WithoutAddresses"
ALLOWED_HOSTS = list(dict.fromkeys(bracketed(name) for name in (
    *env.list("PAIRWISE_ALLOWED_HOSTS", default=[PAIRWISE_HOST, "localhost", "127.0.0.1", "::1"]),
    PAIRWISE_ADVERTISED_HOST, urlsplit(place(PAIRWISE_CONSOLE_URL)).hostname) if name))
PAIRWISE_TRUSTED_PROXIES = env.list("PAIRWISE_TRUSTED_PROXIES", default=[])
"""Addresses and networks of proxies, whose X-Forwarded-For and X-Forwarded-Proto count; of nobody else."""
CSRF_TRUSTED_ORIGINS = [*env.list("PAIRWISE_TRUSTED_ORIGINS", default=[]), *filter(None, [place(PAIRWISE_CONSOLE_URL)])]

SIGNS_PEOPLE_IN = signs_people_in(sys.argv)
"""Whether this process may let somebody in; the others do not load what only that needs."""
ASKS_SERVICES = asks_services(sys.argv)
"""Whether this process is another one than control, which loads neither services nor Celery."""
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "crispy_forms",
    "csp",
    "console",
    "provisioning.record",
    "provisioning.logbook",
    "provisioning",
]
if SIGNS_PEOPLE_IN:
    INSTALLED_APPS += ["allauth.account", "allauth.socialaccount", "allauth.socialaccount.providers.openid_connect",
                       "allauth.mfa"]

MIDDLEWARE = [
    "provisioning.web.request_ids.with_request_id",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "provisioning.web.privacy.CompressedPages",
    "provisioning.web.privacy.PrivatePages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "provisioning.web.reached.Reached",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "console.standstill.Standstill",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "provisioning.accounts.views.gate.SignInRequired",
    "provisioning.accounts.views.session_life.SessionLife",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "provisioning.web.lists.KeepLists",
    "provisioning.web.saved.TellSaved",
]
if SIGNS_PEOPLE_IN:
    MIDDLEWARE.insert(MIDDLEWARE.index("provisioning.accounts.views.gate.SignInRequired"),
                      "allauth.account.middleware.AccountMiddleware")
MESSAGE_STORAGE = "provisioning.web.saved.Messages"

ROOT_URLCONF = "console.urls"
ASGI_APPLICATION = "console.asgi.application"
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
                "provisioning.frame.frame",
            ],
            "libraries": {
                "pairwise": "provisioning.web.tags", "styles": "provisioning.web.styles",
                **{name: f"provisioning.{name}.tags" for name in (
                    "audit", "certificates", "charts", "drills", "jobs", "looks", "notifications", "pairs",
                    "searches")},
            },
        },
    }
]

# --- Configuration Database, control's record, log records
def _database(url: str, *, synchronous: str = "FULL") -> dict:
    """Settings of the database at ``url``, as all of ours need them."""
    database = env.db_url_config(url)
    if database["ENGINE"] == "django.db.backends.sqlite3":
        # IMMEDIATE: a transaction that reads first and writes later must not meet "database is locked".
        # FULL: control's record has to be on disk before anybody is told (docs/pair.md).
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA busy_timeout=20000;",
        }
    else:
        # One that swallows everything must be noticed before the system's own minutes have passed. The pool tries to
        # reach one that is away after 1, 2, 4, ... s, and would know for as long again as it was away nothing of its
        # return: it begins anew after 7 s, less than whoever asks waits for it.
        database["OPTIONS"] = {
            "connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
            "tcp_user_timeout": 10_000, "pool": {"min_size": 1, "max_size": 12, "timeout": 10, "reconnect_timeout": 7},
        } | database.get("OPTIONS", {})
        # After a restart of the server each connection of the pool would fail somebody once.
        database["CONN_HEALTH_CHECKS"] = True
    return database


def _address(setting: str, otherwise: str) -> str:
    return _SECRETS[setting] or _KEPT_ADDRESSES.get(setting, otherwise)


_CONFIGURATION_URL = _address("PAIRWISE_DATABASE_URL", f"sqlite:///{PAIRWISE_DATA_DIR}/pairwise.sqlite3")
DATABASES = {"default": _database(_CONFIGURATION_URL)}
_RECORD_URL = _SECRETS["PAIRWISE_CONTROL_DATABASE_URL"] or (
    _CONFIGURATION_URL if DATABASES["default"]["ENGINE"] != "django.db.backends.sqlite3" else
    f"sqlite:///{Path(DATABASES['default']['NAME']).parent}/control.sqlite3")
DATABASES["control"] = _database(_RECORD_URL)
RECORD_IS_APART = _RECORD_URL != _CONFIGURATION_URL
"""Whether control's record has a database of its own (ADR 15), or only connections of its own to the same one."""
# NORMAL: a power cut may take the last records and with them how far the reader was, so it reads them again.
DATABASES["log"] = _database(
    _address("PAIRWISE_LOG_DATABASE_URL", f"sqlite:///{PAIRWISE_DATA_DIR}/log.sqlite3"), synchronous="NORMAL")
PAIRWISE_LOG_DAYS = env.int("PAIRWISE_LOG_DAYS", 30)
PAIRWISE_LOG_RECORDS = env.int("PAIRWISE_LOG_RECORDS", 5_000_000)
PAIRWISE_LOG_RATE = env.int("PAIRWISE_LOG_RATE", 12_000)
DATABASE_ROUTERS = ["provisioning.logbook.router.LogRouter", "provisioning.record.router.RecordRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people
PASSWORD_HASHERS = [
    "console.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_AGE = 12 * 3600
"""A session that nobody uses ends after so long, s (provisioning.accounts.views.session_life)."""
SESSION_LONGEST_S = 3600 * env.int("PAIRWISE_SESSION_HOURS", 168)
"""One that is used ends so long after the sign-in."""
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "provisioning.web.kept.csrf_failure"
PORT_OF_BROWSERS = port_of(PAIRWISE_CONSOLE_URL, PAIRWISE_PORT)
"""In the name of each cookie: browsers keep one jar for all ports of a name, and two consoles there must not take each
other's. The same for all web processes behind one balancer, whatever ports they have."""
SESSION_COOKIE_NAME = f"pairwise_session_{PORT_OF_BROWSERS}"
CSRF_COOKIE_NAME = f"pairwise_csrf_{PORT_OF_BROWSERS}"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PAIRWISE_HTTPS or PAIRWISE_WEB_TLS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if SESSION_COOKIE_SECURE else 0
"""Django says it on connections with TLS only: on those of a trusted proxy, when that is what speaks it."""
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- single sign-on and second factor (docs/sign-in.md): ways in besides a password
PAIRWISE_OIDC_URL = env.str("PAIRWISE_OIDC_URL", "")
"""The issuer, as the provider itself writes it; "" for no single sign-on."""
PAIRWISE_OIDC_CLIENT_ID = env.str("PAIRWISE_OIDC_CLIENT_ID", "")
PAIRWISE_OIDC_CLIENT_SECRET = _SECRETS["PAIRWISE_OIDC_CLIENT_SECRET"]
PAIRWISE_OIDC_NAME = env.str("PAIRWISE_OIDC_NAME", "") or "single sign-on"
PAIRWISE_OIDC_SCOPES = env.list("PAIRWISE_OIDC_SCOPES", default=["openid", "profile"])
PAIRWISE_OIDC_GROUPS_CLAIM = env.str("PAIRWISE_OIDC_GROUPS_CLAIM", "groups")
PAIRWISE_OIDC_ROLES = env.str("PAIRWISE_OIDC_ROLES", "")
PAIRWISE_OIDC_CA = env.str("PAIRWISE_OIDC_CA", "")
PAIRWISE_OIDC_ONLY = env.bool("PAIRWISE_OIDC_ONLY", False)
PAIRWISE_LDAP_URL = env.str("PAIRWISE_LDAP_URL", "")
"""A directory, "" for none: ldaps://, or ldap:// with StartTLS."""
PAIRWISE_LDAP_PLAIN = env.bool("PAIRWISE_LDAP_PLAIN", False)
PAIRWISE_LDAP_CA = env.str("PAIRWISE_LDAP_CA", "")
PAIRWISE_LDAP_BIND_DN = env.str("PAIRWISE_LDAP_BIND_DN", "")
PAIRWISE_LDAP_BIND_PASSWORD = _SECRETS["PAIRWISE_LDAP_BIND_PASSWORD"]
PAIRWISE_LDAP_USERS = env.str("PAIRWISE_LDAP_USERS", "")
PAIRWISE_LDAP_USER_FILTER = env.str("PAIRWISE_LDAP_USER_FILTER", "(uid=%(user)s)")
PAIRWISE_LDAP_GROUPS = env.str("PAIRWISE_LDAP_GROUPS", "")
PAIRWISE_LDAP_GROUP_TYPE = env.str("PAIRWISE_LDAP_GROUP_TYPE", "group-of-names")
PAIRWISE_LDAP_ROLES = env.str("PAIRWISE_LDAP_ROLES", "")
ACCOUNT_ADAPTER = "provisioning.accounts.views.entry.SignInAdapter"
SOCIALACCOUNT_ADAPTER = "provisioning.accounts.views.single_sign_on.ProviderAdapter"
MFA_ADAPTER = "provisioning.accounts.services.factors.FactorAdapter"
ACCOUNT_EMAIL_VERIFICATION = SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
# Ours count for every way in (provisioning.accounts.rules.sign_in), and need no cache that all processes share.
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
SOCIALACCOUNT_STORE_TOKENS = SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1

# --- pages
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "pairwise"
CRISPY_FAIL_SILENTLY = False
LANGUAGE_CODE = "en"
TIME_ZONE = env.str("PAIRWISE_TIME_ZONE", "UTC")
USE_I18N = False
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = PAIRWISE_DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "console.static_files.StaticFiles"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
"""Larger bodies are on the disk while they come."""

# --- jobs
JOB_LOST_AFTER_S = 30
"""A claimed or running job whose host said nothing for so long is lost (protocol.jobs.ALIVE_S is 5 s)."""
JOB_UNCLAIMED_AFTER_S = TAKE_WITHIN_S
"""A queued job that no worker took for so long is lost."""

# --- audit
PAIRWISE_AUDIT_MINUTES = env.float("PAIRWISE_AUDIT_MINUTES", 15)
PAIRWISE_AUDIT_KEEP_DAYS = env.int("PAIRWISE_AUDIT_KEEP_DAYS", 90)

# --- notifications
PAIRWISE_SMTP_URL = _SECRETS["PAIRWISE_SMTP_URL"]
"""The mail server: smtp://, smtp+tls:// (STARTTLS) or smtps://, "" for none."""
PAIRWISE_MAIL_FROM = env.str("PAIRWISE_MAIL_FROM", "Pairwise <pairwise@localhost>")
PAIRWISE_WEBHOOK_LOOPBACK = env.bool("PAIRWISE_WEBHOOK_LOOPBACK", False)
PAIRWISE_WEBHOOK_HTTP = env.bool("PAIRWISE_WEBHOOK_HTTP", False)

# --- metrics
PAIRWISE_METRICS = env.list("PAIRWISE_METRICS", default=[])
PAIRWISE_METRICS_OBJECTS = env.int("PAIRWISE_METRICS_OBJECTS", 20_000)

# --- logs
PAIRWISE_LOG_FORMAT = env.str("PAIRWISE_LOG_FORMAT", "line")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
                   "json": {"()": "console.logs.Json"}},
    "filters": {"no trace of refusals": {"()": "console.logs.NoTraceOfRefusals"},
                "without tokens": {"()": "console.logs.WithoutTokens"},
                "bounded": {"()": "console.logs.Bounded"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler",
                            "formatter": "json" if PAIRWISE_LOG_FORMAT == "json" else "line",
                            "filters": ["no trace of refusals", "without tokens", "bounded"]}},
    "root": {"handlers": ["stderr"], "level": env.str("PAIRWISE_LOG_LEVEL", "INFO")},
    # urllib3 writes whole addresses, and who knows that of a chat may write there.
    "loggers": {"asyncssh": {"level": "WARNING"}, "urllib3": {"level": "CRITICAL"}},
}
