import re
from datetime import datetime
from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from protocol import auth
from protocol.client_logins import RIGHTS, section_name
from provisioning.errors import Link
from provisioning.spelling import SortKey
from provisioning.states import RUNNABLE_TYPES, SERVER_TYPES, ApplicationType, RedundancyType

from .encryption import EncryptedTextField

if TYPE_CHECKING:
    from .jobs import Job

PORT_MIN, PORT_MAX = 1, 65535
TIMEOUT_MAX_S = 86_400
PLACEHOLDERS = frozenset({"", "."})
"""What Working Directory and Command Line say before the installer has filled them in (domain.md 1.2)."""
SYSTEM_ACCOUNT = "SYSTEM"
"""Log On As of an application that runs as whatever account its host's agent runs as (domain.md 1.2)."""
_SECRET_KEY = re.compile(r"passw|pass-?phrase|passcode|pwd|secret|private-?key|token|credential|api-?key",
                         re.IGNORECASE)
SECRET_SECTIONS = frozenset({"clients"})
SECRET_WORDS = f"{_SECRET_KEY.pattern}|^({'|'.join(sorted(SECRET_SECTIONS))})$"
"""A pattern for scripts: a section or key in which it is found, in any case, is a secret's (``is_secret_option``)."""


def os_account(log_on_as: str) -> str:
    """The operating system's account that Log On As stands for; "" for SYSTEM, which is the agent's own account."""
    return "" if log_on_as in ("", SYSTEM_ACCOUNT) else log_on_as


class Application(models.Model):
    """An Application object. Fields, defaults and rules: domain.md 1.2; pair rules: domain.md 5."""

    name = models.CharField(max_length=255, unique=True)
    template = models.ForeignKey("ApplicationTemplate", verbose_name="Application Template", on_delete=models.PROTECT,
                                 related_name="applications")
    type = models.CharField(max_length=32, choices=ApplicationType)
    version = models.CharField(max_length=32)
    enabled = models.BooleanField("State Enabled", default=True)
    tenants = models.CharField(max_length=255, blank=True, default="Environment")
    host = models.ForeignKey("Host", null=True, blank=True, on_delete=models.PROTECT, related_name="applications")
    working_directory = models.CharField("Working Directory", max_length=1024, blank=True)
    command_line = models.CharField("Command Line", max_length=1024, blank=True)
    command_line_arguments = models.CharField("Command Line Arguments", max_length=2048, blank=True)
    startup_timeout = models.PositiveIntegerField(
        "Startup Timeout", default=90, validators=[MinValueValidator(1), MaxValueValidator(TIMEOUT_MAX_S)])
    shutdown_timeout = models.PositiveIntegerField(
        "Shutdown Timeout", default=90, validators=[MinValueValidator(1), MaxValueValidator(TIMEOUT_MAX_S)])
    auto_restart = models.BooleanField("Auto-Restart", default=False)
    backup_server = models.OneToOneField("self", verbose_name="Backup Server", null=True, blank=True,
                                         on_delete=models.SET_NULL, related_name="primary_server")
    redundancy_type = models.CharField("Redundancy Type", max_length=16, choices=RedundancyType,
                                       default=RedundancyType.NOT_SPECIFIED)
    reconnect_timeout = models.PositiveIntegerField("Reconnect Timeout", default=10,
                                                    validators=[MaxValueValidator(TIMEOUT_MAX_S)])
    reconnect_attempts = models.PositiveIntegerField("Reconnect Attempts", default=1,
                                                     validators=[MaxValueValidator(1_000_000)])
    log_on_as = models.CharField("Log On As Account", max_length=64, blank=True, default=SYSTEM_ACCOUNT)
    description = models.CharField(max_length=1024, blank=True)
    secret = EncryptedTextField(default=auth.new_secret, editable=False)
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=150, blank=True, editable=False)

    status: str | None
    mode: str | None
    active_jobs: "list[Job]"
    """These three: of rows of a list of applications (``selectors.applications``)."""
    control_at: datetime | None
    asked_at: datetime
    unwritten_since: datetime | None
    """These three: of rows of a list of applications or hosts (``core.control.with_control``)."""
    jobs_at_work: "list[Job]"
    """Of rows that are read together to be planned or deleted."""

    class Meta:
        ordering = [SortKey("name"), "name"]
        constraints = [
            models.CheckConstraint(name="application_not_its_own_backup",
                                   condition=~models.Q(backup_server=models.F("id"))),
        ]

    def __str__(self):
        return self.name

    @property
    def link(self) -> Link:
        """By which a refusal names it."""
        return Link("application", str(self.pk), self.name)

    @property
    def host_name(self) -> str:
        """Of its host, "" without one."""
        return self.host.name if self.host else ""

    @property
    def is_server(self) -> bool:
        return self.type in SERVER_TYPES

    @property
    def is_runnable(self) -> bool:
        """True of a type that Pairwise installs and starts."""
        return self.type in RUNNABLE_TYPES

    @property
    def is_primary(self) -> bool:
        """False once another server names this one as its backup (domain.md 5.7)."""
        return getattr(self, "primary_server", None) is None

    @property
    def os_account(self) -> str:
        """The account that the server runs as, "" for the agent's own."""
        return os_account(self.log_on_as)

    @property
    def is_installed(self) -> bool:
        """True once Working Directory and Command Line are more than the placeholder ``.``."""
        return not {self.working_directory, self.command_line} & PLACEHOLDERS

    def options_dict(self, *, annex: bool = False, masked: bool = True) -> dict[str, dict[str, str]]:
        """{section: {key: value}} of the options (or of the annex); secrets as MASK unless ``masked`` is False."""
        result: dict[str, dict[str, str]] = {}
        for option in self.options.all():
            if option.annex == annex:
                result.setdefault(option.section, {})[option.key] = option.shown if masked else option.plain
        return result


def is_secret_option(section: str, key: str) -> bool:
    """True for options whose value is masked in pages, exports and history and encrypted in the database."""
    # A key of section client-rights is the name of a login, and its value no secret whatever that name is.
    return section.lower() in SECRET_SECTIONS or (
        bool(_SECRET_KEY.search(key)) and section_name(section) != RIGHTS)


MASK = "••••••"
"""What stands for a secret value; given back on save it means "unchanged"."""


class Option(models.Model):
    """One option: section → key → value; ``annex`` marks the Annex (domain.md 1.2). Use ``set_value`` to write."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="options")
    annex = models.BooleanField(default=False)
    section = models.CharField(max_length=128)
    key = models.CharField(max_length=128)
    value = models.TextField(blank=True)
    secret_value = EncryptedTextField(null=True, blank=True, default="")

    class Meta:
        ordering = ["section", "key"]
        constraints = [
            models.UniqueConstraint(name="option_unique", fields=["application", "annex", "section", "key"]),
        ]

    def __str__(self):
        return f"[{self.section}] {self.key}"

    @property
    def is_secret(self) -> bool:
        return is_secret_option(self.section, self.key)

    @property
    def plain(self) -> str:
        return (self.secret_value or "") if self.is_secret else self.value

    @property
    def shown(self) -> str:
        return MASK if self.is_secret else self.value

    def set_value(self, text: str) -> None:
        """Store ``text`` where it belongs: encrypted when the option is secret. Does not save."""
        self.value, self.secret_value = ("", text) if self.is_secret else (text, "")


class Connection(models.Model):
    """A row of Connections: this application is a client of ``server`` (domain.md 1.2)."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="connections")
    server = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="clients")
    port_id = models.CharField("Port ID", max_length=64, default="default")
    protocol = models.CharField("Connection Protocol", max_length=16, blank=True,
                                choices=[("", "none"), ("addp", "addp")])
    timeout_local = models.PositiveIntegerField("Local Timeout", default=0)
    timeout_remote = models.PositiveIntegerField("Remote Timeout", default=0)
    trace_mode = models.CharField("Trace Mode", max_length=8, default="none",
                                  choices=[(m, m) for m in ("none", "local", "remote", "both")])
    transport_parameters = models.CharField("Transport Parameters", max_length=1024, blank=True)
    application_parameters = models.CharField("Application Parameters", max_length=1024, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="connection_unique", fields=["application", "server", "port_id"]),
        ]

    def __str__(self):
        return f"{self.application} → {self.server}"
