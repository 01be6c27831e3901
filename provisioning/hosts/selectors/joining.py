"""Joining as the pages and the joining machine see it: the line to paste, the stages, where the console is."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from provisioning.broker.rules import addresses_at_rabbitmq
from provisioning.broker.selectors import broker, why_not_at_rabbitmq
from provisioning.core.tls import names as tls_names
from provisioning.errors import Refused
from provisioning.hosts.rules.joining import JoinFacts, Listening, Reach, Stage, join_stages, reach
from provisioning.hosts.rules.line import command, command_of_package
from provisioning.models import Host, HostEnrolment
from provisioning.states import HostStatus

SHOWN_AFTER = timedelta(minutes=10)
"""How long the page shows an attempt that went well."""
KEY_CHANGED = ("PAIRWISE_SECRET_KEY was changed since this line was made, so that it cannot be shown again. Make a new "
               "one.")
NO_BUNDLE = ("The agent for other machines was not built on this console. Run ./run (or ./run manage setup_local), "
             "then reload this page.")
@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What joining machines fetch; ``sha256`` and ``size`` are those of the archive."""

    program: Path
    program_sha256: str
    archive: Path
    sha256: str
    size: int
    version: str
    name: str


def bundle() -> Bundle | None:
    """The bundle that was built at the start, None without one."""
    directory = Path(settings.PAIRWISE_AGENT_DIR)
    try:
        facts = json.loads((directory / "bundle.json").read_bytes())
        found = Bundle(program=directory / "join.py", program_sha256=facts["program_sha256"],
                       archive=directory / "bundle.tar.gz", sha256=facts["sha256"], size=facts["size"],
                       version=facts["version"], name=facts["name"])
        whole = found.archive.stat().st_size == found.size and found.program.is_file()
    except (OSError, ValueError, KeyError):
        return None
    return found if whole else None


def reach_from(asked_host: str) -> Reach:
    """How other machines reach this console, which was asked as ``asked_host`` (host or host:port)."""
    addresses = addresses_at_rabbitmq(settings.PAIRWISE_BROKER_URL_FOR_HOSTS)
    rabbit = next(iter(addresses.values()), settings.PAIRWISE_BROKER_URL)
    listening = Listening(
        web_host=settings.PAIRWISE_HOST, web_port=settings.PAIRWISE_PORT, control_host=settings.PAIRWISE_CONTROL_HOST,
        control_port=settings.PAIRWISE_CONTROL_PORT, advertised_host=settings.PAIRWISE_ADVERTISED_HOST,
        console_url=settings.PAIRWISE_CONSOLE_URL,
        redis_url=rabbit or ("" if settings.REDIS_IS_EMBEDDED else settings.PAIRWISE_REDIS_URL),
        controls=settings.PAIRWISE_CONTROLS,
        redis_port=settings.PAIRWISE_REDIS_PORT, redis_password=settings.EMBEDDED_REDIS_PASSWORD,
        web_tls=settings.PAIRWISE_WEB_TLS, control_tls=settings.PAIRWISE_CONTROL_TLS,
        tls_names=tls_names() if settings.TLS_IS_OWN else (),
        redis_socket_url=settings.PAIRWISE_REDIS_URL.replace("unix://", "redis+socket://", 1))
    return reach(listening, scheme="https" if settings.SESSION_COOKIE_SECURE else "http", asked_host=asked_host)


def broker_authority() -> str:
    """PEM text of the authority by which hosts verify the broker, "" for those that they trust anyway.

    Raises Refused."""
    path = settings.PAIRWISE_REDIS_CA
    try:
        return Path(path).read_text() if path else ""
    except (OSError, UnicodeDecodeError):
        raise Refused("The console cannot read the file of PAIRWISE_REDIS_CA, by which this machine has to verify the "
                      "broker. Correct that setting, then make a new line.") from None


@dataclass(frozen=True, kw_only=True)
class Joining:
    """What the host's page shows. ``line`` is "" when there is none to paste, and so is ``packaged``, for a machine
    with the package; ``stages`` those of the last attempt."""

    enrolment: HostEnrolment | None
    line: str = ""
    packaged: str = ""
    problems: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()

    @property
    def is_shown(self) -> bool:
        return self.enrolment is not None and (
            self.enrolment.is_open or any(stage.state == "failed" for stage in self.stages) or not self.is_done
            or timezone.now() - (self.enrolment.used_at or timezone.now()) < SHOWN_AFTER)

    @property
    def is_done(self) -> bool:
        return all(stage.state == "done" for stage in self.stages)

    @property
    def nothing_heard(self) -> bool:
        return all(stage.state == "waiting" for stage in self.stages)


def joining(host: Host, *, asked_host: str, with_line: bool) -> Joining:
    """The last token of ``host`` and what became of it. ``with_line``: the reader may manage hosts."""
    enrolment = host.enrolments.first()
    if enrolment is None or (enrolment.revoked_at is not None and not enrolment.stages):
        return Joining(enrolment=None)
    stages = tuple(join_stages(facts_of(enrolment, host)))
    if not enrolment.is_open or not with_line:
        return Joining(enrolment=enrolment, stages=stages)
    command = command_from(asked_host)
    if why := broker().why or why_not_at_rabbitmq(host.name) or ("" if command else NO_BUNDLE):
        return Joining(enrolment=enrolment, stages=stages, problems=(why,))
    token = enrolment.token
    if not token:
        return Joining(enrolment=enrolment, stages=stages, problems=(KEY_CHANGED,))
    return Joining(enrolment=enrolment, stages=stages, problems=reach_from(asked_host).problems,
                   line=f"echo {token} | {command}",
                   packaged=f"echo {token} | {command_from(asked_host, packaged=True)}")


def command_from(asked_host: str, *, packaged: bool = False) -> str:
    """What a joining machine runs with its token on standard input, "" without a bundle. ``packaged``: one that has the
    package."""
    built = bundle()
    if built is None:
        return ""
    words = command_of_package if packaged else command
    return words(url=reach_from(asked_host).console_url, sha256=built.program_sha256)


BEFORE_TOLD = timedelta(seconds=5)
"""An agent often speaks before the machine has told that it was started."""


def facts_of(enrolment: HostEnrolment, host: Host) -> JoinFacts:
    runtime = getattr(host, "runtime", None)
    started = [each["at"] for each in enrolment.stages if each["name"] == "start" and each["state"] == "done"]
    connected = bool(started and runtime and runtime.status == HostStatus.RUNNING and runtime.heard_at
                     and runtime.heard_at >= datetime.fromisoformat(started[0]) - BEFORE_TOLD)
    return JoinFacts(stages=tuple(enrolment.stages), connected=connected,
                     worker=bool(connected and runtime and runtime.worker_alive),
                     reason=runtime.reason if runtime else "",
                     removed=host.left_at is not None)


def last_joined(host: Host) -> HostEnrolment | None:
    """The enrolment by which ``host`` has its secret, None when it got it in another way."""
    return host.enrolments.filter(used_at__isnull=False).order_by("-used_at").first()
