"""System checks of the settings: `manage.py check`, and before `./run` starts anything."""

import os
import pwd
import re
import stat
import time
from collections.abc import Iterator
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DatabaseError
from django.utils import timezone

from protocol.names import LOOPBACK
from protocol.tls import TlsError, client_context, expires_at
from protocol.validity import ends, urgency
from provisioning.broker.rules import EACH_ITS_OWN, addresses_at_rabbitmq, unreadable_at_rabbitmq
from provisioning.core import tls
from provisioning.core.arrival import networks, place
from provisioning.metrics.networks import networks as metrics_networks
from provisioning.notifications.rules.mail import HOW, smtp_server

TAG = "pairwise"
SECRET_KEY_MIN = 32
LOG_FORMATS = ("line", "json")
LCA_PORTS = range(2000, 10_000)
LOOK_MINUTES = range(1, 41)
WILDCARDS = frozenset({"", "0.0.0.0", "::"})


@register(TAG)
def ports(**_) -> list[CheckMessage]:
    """Port numbers in range and each setting with its own."""
    names = ["PAIRWISE_PORT", "PAIRWISE_CONTROL_PORT", "PAIRWISE_LCA_PORT"]
    if settings.EMBEDDED_REDIS_PASSWORD:
        names.append("PAIRWISE_REDIS_PORT")
    numbers = {name: getattr(settings, name) for name in names}
    found: list[CheckMessage] = []
    seen: dict[int, str] = {}
    for name, number in numbers.items():
        if not 1 <= number <= 65535:
            found.append(Error(f"{name} is {number}, which is no port.", id="pairwise.E001",
                               hint="Set it to a number from 1 to 65535."))
        elif number in seen:
            found.append(Error(f"{seen[number]} and {name} are both {number}.", id="pairwise.E002",
                               hint="Give each its own port."))
        seen.setdefault(number, name)
    if numbers["PAIRWISE_LCA_PORT"] not in LCA_PORTS:
        found.append(Error(f"PAIRWISE_LCA_PORT is {numbers['PAIRWISE_LCA_PORT']}.", id="pairwise.E003",
                           hint=f"The LCA Port of a host is a number from {LCA_PORTS[0]} to {LCA_PORTS[-1]}."))
    return found


@register(TAG)
def looks(**_) -> list[CheckMessage]:
    """What was found on hosts has to be found again before it counts as too old."""
    minutes = settings.PAIRWISE_LOOK_MINUTES
    if minutes == 0 or minutes in LOOK_MINUTES:
        return []
    return [Error(f"PAIRWISE_LOOK_MINUTES is {minutes}.", id="pairwise.E013",
                  hint=f"Set it to a number from {LOOK_MINUTES[0]} to {LOOK_MINUTES[-1]}, or to 0 for no schedule.")]


@register(TAG)
def numbers_from_one(**_) -> list[CheckMessage]:
    """What is kept for no time is not kept at all, and an audit that is always due leaves time for nothing else."""
    return [Error(f"{name} is {number:g}.", id="pairwise.E018", hint="Set it to a number from 1.")
            for name in ("PAIRWISE_LOG_DAYS", "PAIRWISE_LOG_RECORDS", "PAIRWISE_AUDIT_MINUTES",
                         "PAIRWISE_AUDIT_KEEP_DAYS")
            if (number := getattr(settings, name)) < 1]


@register(TAG)
def log_records(**_) -> list[CheckMessage]:
    """In no database of anything else: there they would keep everybody waiting."""
    found: list[CheckMessage] = []
    if settings.PAIRWISE_LOG_RATE < 0:
        found.append(Error(f"PAIRWISE_LOG_RATE is {settings.PAIRWISE_LOG_RATE}.", id="pairwise.E018",
                           hint="Set it to a number from 1, or to 0 for no bound."))
    where = {alias: tuple(database.get(key) for key in ("ENGINE", "HOST", "PORT", "NAME"))
             for alias, database in settings.DATABASES.items()}
    if where["log"] in (where["default"], where["control"]):
        found.append(Error("PAIRWISE_LOG_DATABASE_URL names a database that holds something else.",
                           id="pairwise.E019", hint="Give log records a database of their own."))
    return found


@register(TAG)
def mail(**_) -> list[CheckMessage]:
    """Notifications by mail would fail only once somebody has to be told."""
    found: list[CheckMessage] = []
    if settings.PAIRWISE_SMTP_URL:
        try:
            smtp_server(settings.PAIRWISE_SMTP_URL)
        except ValueError:
            found.append(Error("PAIRWISE_SMTP_URL is no address of a mail server.", id="pairwise.E020", hint=HOW))
    if "@" not in parseaddr(settings.PAIRWISE_MAIL_FROM)[1]:
        found.append(Error(f"PAIRWISE_MAIL_FROM is {settings.PAIRWISE_MAIL_FROM!r}, which is no address of mail.",
                           id="pairwise.E021", hint="Write it as Pairwise <pairwise@example.com>."))
    return found


@register(TAG)
def secret_key(**_) -> list[CheckMessage]:
    if any(len(key) < SECRET_KEY_MIN for key in settings.SECRET_KEY_FALLBACKS):
        return [Error("A key in PAIRWISE_SECRET_KEY_FALLBACKS is too short to have been one.", id="pairwise.E016",
                      hint="Write whole keys into it, with blanks or line ends between them.")]
    if len(settings.SECRET_KEY) >= SECRET_KEY_MIN:
        return []
    return [Error(f"The secret key is only {len(settings.SECRET_KEY)} characters long.", id="pairwise.E004",
                  hint=f"Set PAIRWISE_SECRET_KEY to {SECRET_KEY_MIN} random characters or more, or unset it and remove "
                       f"{settings.PAIRWISE_DATA_DIR / 'secret_key'} before the first start: Pairwise then makes one.")]


@register(f"{TAG}-database")
def key_of_the_database(**_) -> list[CheckMessage]:
    """Apart from the others: a start asks it of a database that is as this version needs it."""
    from provisioning.monitoring.selectors.encryption import advice, why_wrong

    try:
        why = why_wrong()
    except DatabaseError:
        # It is away, or was not made yet: others say so.
        return []
    return [Error(why, id="pairwise.E015", hint=advice())] if why else []


@register(f"{TAG}-database")
def version_of_the_databases(**_) -> list[CheckMessage]:
    """Commands and pages do nothing with those of another one."""
    from console.up.databases import NAMES
    from provisioning.core.database_trouble import ADVICE
    from provisioning.core.database_version import version_trouble

    try:
        found = {name: version_trouble(alias) for alias, name in NAMES.items()}
    except DatabaseError:
        return []
    return [Warning(trouble.sentence_of(name), id="pairwise.W027", hint=ADVICE[trouble.code])
            for name, trouble in found.items() if trouble is not None]


@register(TAG)
def data_directory(**_) -> list[CheckMessage]:
    """Writable for us, secrets readable for nobody else."""
    directory = settings.PAIRWISE_DATA_DIR
    if not os.access(directory, os.W_OK | os.X_OK):
        return [Error(f"The data directory {directory} is not writable.", id="pairwise.E005",
                      hint="Correct its owner and rights, or set PAIRWISE_DATA_DIR to a directory of this account.")]
    return [
        Error(f"Others can read {path}, which holds a secret.", id="pairwise.E006", hint=f"Run: chmod 600 {path}")
        for path in [directory / "secret_key", *directory.glob("hosts/*/agent.json"), *directory.glob("tls/*.key")]
        if _others_can_read(path)
    ]


@register(TAG)
def packages_directory(**_) -> list[CheckMessage]:
    """Somebody made it for the account of the console, or the console can make it."""
    directory = Path(settings.PAIRWISE_PACKAGES_DIR)
    place = next(each for each in (directory, *directory.parents) if each.exists())
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return []
    try:
        account = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        account = str(os.geteuid())
    return [Warning(f"No Installation Package can be kept in {directory}: {account} may not write to {place}.",
                    id="pairwise.W026", hint=f"Run as root: install -d -o {account} -m 0755 {directory}")]


def _others_can_read(path: Path) -> bool:
    return path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


@register(TAG)
def trusted_proxies(**_) -> list[CheckMessage]:
    """Each is an address or a network."""
    try:
        networks(settings.PAIRWISE_TRUSTED_PROXIES)
    except ValueError as error:
        return [Error(f"PAIRWISE_TRUSTED_PROXIES cannot be used: {error}.", id="pairwise.E014",
                      hint="Give addresses or networks with commas between them: 10.0.0.5,10.1.0.0/16")]
    return []


@register(TAG)
def unnamed_proxy(**_) -> list[CheckMessage]:
    from provisioning.accounts.selectors.proxies import HINT, unnamed_by_settings

    why = unnamed_by_settings()
    return [Warning(why, id="pairwise.W010", hint=HINT)] if why else []


@register(f"{TAG}-database")
def forwarded_by_nobody_we_know(**_) -> list[CheckMessage]:
    from provisioning.accounts.selectors.proxies import HINT, unnamed_as_seen

    try:
        why = unnamed_as_seen(timezone.now())
    except DatabaseError:
        return []
    return [Warning(why, id="pairwise.W011", hint=HINT)] if why else []


@register(f"{TAG}-proxy", deploy=True)
def what_is_in_front(**_) -> list[CheckMessage]:
    """Asks the console, so only where somebody has asked for that (check --deploy)."""
    # Not above: it loads much that no other process needs.
    from console.front import found_in_front

    return found_in_front()


@register(TAG)
def console_url(**_) -> list[CheckMessage]:
    """It goes into a line that people paste into a shell."""
    url = settings.PAIRWISE_CONSOLE_URL
    if not url or (re.fullmatch(r"https?://[A-Za-z0-9.:\[\]_-]+", url) and place(url)):
        return []
    return [Error(f"PAIRWISE_CONSOLE_URL is {url!r}, which is no address of a console.", id="pairwise.E008",
                  hint="Set it to http or https, a name and perhaps a port: https://pairwise.example.com")]


@register(TAG)
def broker_accounts(**_) -> list[CheckMessage]:
    """Whether each host can have an account at the broker, and one of its own."""
    from provisioning.broker.worker import access as broker_access

    try:
        why = broker_access.why_no_accounts()
    except (redis.RedisError, OSError):
        # An embedded one that was not started yet, or others say that it is away.
        return []
    if why:
        return [Warning(f"No host can join or take jobs. {why}", id="pairwise.W005",
                        hint="Correct it, then restart the console; hosts that have joined get their accounts then.")]
    if not settings.PAIRWISE_BROKER_URL:
        return []
    if unreadable := unreadable_at_rabbitmq(settings.PAIRWISE_BROKER_URL_FOR_HOSTS):
        return [Error(f"PAIRWISE_BROKER_URL_FOR_HOSTS cannot be read: {unreadable}", id="pairwise.E017",
                      hint=EACH_ITS_OWN)]
    if "" in addresses_at_rabbitmq(settings.PAIRWISE_BROKER_URL_FOR_HOSTS):
        return [Warning("Hosts that have joined share the account of PAIRWISE_BROKER_URL_FOR_HOSTS, so each could take "
                        "the others' jobs away (it could not forge one) and have tasks of the console carried out. No "
                        "other machine can join.", id="pairwise.W009", hint=EACH_ITS_OWN)]
    return [Warning("What the accounts of hosts may do at RabbitMQ is set there: Pairwise neither sets nor knows it.",
                    id="pairwise.W012", hint="Let each reach the queues and exchanges of its own host alone, and not "
                                             "the queue console (docs/installing.md).")]


@register(TAG)
def open_to_the_network(**_) -> list[CheckMessage]:
    """What is fine on loopback and risky or useless on an address that others reach."""
    host = settings.PAIRWISE_HOST
    found: list[CheckMessage] = []
    if host in LOOPBACK:
        return found
    if settings.DEBUG:
        found.append(Error(f"PAIRWISE_DEBUG is on while PAIRWISE_HOST is {host}.", id="pairwise.E007",
                           hint="Debug pages show settings to everybody: unset PAIRWISE_DEBUG."))
    if not settings.SESSION_COOKIE_SECURE:
        found.append(Warning(f"The console listens on {host} without HTTPS.", id="pairwise.W001",
                             hint="Unset PAIRWISE_WEB_TLS; or put a proxy with TLS in front and set PAIRWISE_HTTPS=1."))
    if host in WILDCARDS and "PAIRWISE_ALLOWED_HOSTS" not in os.environ and not settings.PAIRWISE_CONSOLE_URL:
        found.append(Warning(f"PAIRWISE_HOST is {host}, but no name for browsers is allowed.", id="pairwise.W002",
                             hint="Set PAIRWISE_ALLOWED_HOSTS to the names and addresses that people type."))
    return found


@register(TAG)
def metrics(**_) -> list[CheckMessage]:
    """Who may ask for metrics is somebody who can be told."""
    try:
        metrics_networks(settings.PAIRWISE_METRICS)
    except ValueError as error:
        return [Error(f"PAIRWISE_METRICS: {error}.", id="pairwise.E022",
                      hint="Set it to token, loopback, open, or the networks that may ask for /metrics, as in "
                           "10.0.0.0/8,192.0.2.7.")]
    return []


@register(TAG)
def log_format(**_) -> list[CheckMessage]:
    if settings.PAIRWISE_LOG_FORMAT in LOG_FORMATS:
        return []
    return [Error(f"PAIRWISE_LOG_FORMAT is {settings.PAIRWISE_LOG_FORMAT}.", id="pairwise.E023",
                  hint=f"Set it to {' or '.join(LOG_FORMATS)}.")]


@register(TAG)
def control_in_the_plain(**_) -> list[CheckMessage]:
    host = settings.PAIRWISE_CONTROL_HOST
    if settings.PAIRWISE_CONTROL_TLS or host in LOOPBACK:
        return []
    return [Warning(f"Control listens on {host} without TLS.", id="pairwise.W003",
                    hint="Unset PAIRWISE_CONTROL_TLS, then make a new line for each host and paste it there.")]


@register(TAG)
def broker_in_the_plain(**_) -> list[CheckMessage]:
    """A Redis on the network is reached over TLS, and what it is verified by can be read."""
    if settings.PAIRWISE_REDIS_CA:
        try:
            client_context(settings.PAIRWISE_REDIS_CA)
        except TlsError as error:
            return [Error(f"PAIRWISE_REDIS_CA cannot be used: {error}.", id="pairwise.E012",
                          hint="Name the PEM file of the authority that the certificate of Redis is of.")]
    where = urlsplit(settings.PAIRWISE_REDIS_URL)
    if where.scheme != "redis" or where.hostname in LOOPBACK:
        return []
    return [Warning("Redis is reached without TLS: who listens on the network sees its password.", id="pairwise.W006",
                    hint="Let it speak TLS, write rediss:// in PAIRWISE_REDIS_URL and name its authority in "
                         "PAIRWISE_REDIS_CA.")]


@register(TAG)
def certificates(**_) -> list[CheckMessage]:
    """What web and control show can be used, and for how long."""
    if not (settings.PAIRWISE_CONTROL_TLS or settings.PAIRWISE_WEB_TLS):
        return []
    if not settings.TLS_IS_OWN:
        if not settings.PAIRWISE_TLS_CA:
            return [Error("PAIRWISE_TLS_CERTIFICATE is set, PAIRWISE_TLS_CA is not.", id="pairwise.E009",
                          hint="Name the file of the authority that hosts are to trust.")]
        try:
            tls.identity()
            client_context(settings.PAIRWISE_TLS_CA)
        except (tls.CannotIssue, TlsError) as error:
            return [Error(str(error), id="pairwise.E010",
                          hint="Correct PAIRWISE_TLS_CERTIFICATE, PAIRWISE_TLS_KEY and PAIRWISE_TLS_CA.")]
    return [*_beginning_of_certificate(), *_ends_of_certificate()]


def _beginning_of_certificate() -> list[CheckMessage]:
    # A warning: a clock that is corrected soon must not be what keeps the console from starting.
    sentence = tls.why_not_valid_yet(time.time())
    return [Warning(sentence, id="pairwise.W007")] if sentence else []


def _ends_of_certificate() -> Iterator[CheckMessage]:
    ends_at, now = expires_at(settings.PAIRWISE_TLS_CERTIFICATE, settings.PAIRWISE_TLS_CA), time.time()
    level = urgency(ends_at, now)
    if not level or ends_at is None:
        return
    kind, ident = (Warning, "pairwise.W004") if level == "soon" else (Error, "pairwise.E011")
    hint = "Control and web renew it while they run: their logs say why they did not." if settings.TLS_IS_OWN else \
        "Renew the files of PAIRWISE_TLS_CERTIFICATE and PAIRWISE_TLS_CA in place."
    # A start renews the console's own: it must not be what an Error keeps from happening.
    yield (Warning if settings.TLS_IS_OWN else kind)(f"The certificate of the console {ends(ends_at, now)}.", hint=hint,
                                                     id=ident)
