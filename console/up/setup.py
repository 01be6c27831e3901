"""What has to be in the database and on disk before the console's processes start. Every step may run again."""

import hashlib
import importlib.metadata
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import OperationalError
from redis.exceptions import RedisError

from console import static_files
from console.celery import celery_broker_url
from console.up import client_package
from console.up.databases import migrate, one_at_a_time, require_no_newer
from console.up.emptiness import require_own_databases
from console.up.errors import CannotStart
from console.up.keys import require_the_key
from console.up.machine import LOCAL_ADDRESS, address_for_others, reachable_host
from console.up.programs import ADMIN, LOCAL_HOST, console_address
from console.up.windows_launcher import windows_launcher
from hostagent import bundle
from messageserver import packaging
from protocol.files import write_atomically
from provisioning.accounts.services.users import set_password
from provisioning.broker.worker.access import url_for, why_no_accounts
from provisioning.catalog.services.packages import import_package
from provisioning.catalog.services.templates import import_template
from provisioning.core import tls
from provisioning.core.database_trouble import AWAY, Trouble, trouble_of
from provisioning.core.permissions import command_line_actor
from provisioning.drafts import HostDraft
from provisioning.errors import Refused, WrongKey
from provisioning.hosts.services.hosts import create_host, update_host
from provisioning.models import ApplicationTemplate, Host
from provisioning.states import Role


def provide_certificates(say: Callable[[str], None]) -> None:
    """Have what web and control show, where they use TLS. Raises CannotStart."""
    if not (settings.PAIRWISE_CONTROL_TLS or settings.PAIRWISE_WEB_TLS):
        return
    try:
        if tls.provide():
            say("Made the certificate of the console")
        tls.identity()
    except tls.CannotIssue as error:
        raise CannotStart(str(error)) from None


@dataclass(frozen=True)
class LocalSetup:
    """``new_password`` is "" unless the first administrator was made with a random one; ``warnings`` are sentences."""

    agent_config: Path | None
    new_password: str
    warnings: tuple[str, ...] = ()


def set_up(*, admin_password: str, say: Callable[[str], None], serves_pages: bool = True,
           is_host: bool = True) -> LocalSetup:
    """Bring database, static files, administrator, Message Server package and first host to what a start needs. A
    machine without pages needs no files for them; one that is no host is given no Host object. Raises CannotStart.
    """
    try:
        with one_at_a_time():
            require_own_databases()
            require_no_newer()
            migrate(say)
            require_the_key()
            return _set_up(admin_password, say, serves_pages, is_host)
    except WrongKey as error:
        raise CannotStart(str(error)) from None
    except OperationalError as error:
        why, said = str(error).strip().partition("\n")[0], (trouble_of(error) or Trouble(AWAY)).sentence[:-1]
        raise CannotStart(f"{said} ({why}): check PAIRWISE_DATABASE_URL and the free space, then run ./run again."
                          ) from None


def _set_up(admin_password: str, say: Callable[[str], None], serves_pages: bool, is_host: bool) -> LocalSetup:
    provide_certificates(say)
    make_roles()
    warnings = []
    if serves_pages:
        collect_static(say)
        warnings = [*provide_message_server(), *provide_agent()]
        client_package.build(settings.PAIRWISE_CLIENT_DIR)
    agent_config = write_agent_config(make_local_host()) if is_host else None
    if settings.REDIS_IS_EMBEDDED and (why := _why_no_accounts()):
        # Of another one the checks have said it.
        warnings.append(why)
    # Last: after it nothing can go wrong before the password is shown.
    return LocalSetup(agent_config=agent_config, new_password=make_administrator(admin_password),
                      warnings=tuple(warnings))


def _why_no_accounts() -> str:
    try:
        return why_no_accounts()
    except (RedisError, OSError):
        return ""


def collect_static(say: Callable[[str], None]) -> None:
    """Collect and compress the static files when one of them changed since the last time."""
    mark, now = settings.PAIRWISE_DATA_DIR / "static.fingerprint", static_fingerprint()
    if mark.exists() and mark.read_text() == now and settings.STATIC_ROOT.is_dir():
        return
    say("Collecting the static files")
    mark.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0, clear=True, ignore_patterns=list(static_files.UNUSED))
    write_atomically(mark, now.encode())


def static_fingerprint() -> str:
    digest = hashlib.sha256()
    digest.update(Path(static_files.__file__).read_bytes())
    for package in ("django", "whitenoise"):
        digest.update(f"{package} {importlib.metadata.version(package)}\n".encode())
    files = sorted((name, storage.path(name)) for finder in get_finders()
                   for name, storage in finder.list(static_files.UNUSED))
    for name, path in files:
        facts = os.stat(path)
        digest.update(f"{name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def make_roles() -> None:
    for role in Role.values:
        Group.objects.get_or_create(name=role)


def make_administrator(given: str) -> str:
    """The first administrator; ``given`` sets or changes the password. The random password when one was made.

    Raises CannotStart."""
    if given:
        check_given(given)
    user, created = get_user_model().objects.get_or_create(username=ADMIN)
    made = ""
    if given:
        if not user.has_usable_password() or not user.check_password(given):
            set_password(actor=command_line_actor("up"), user_id=user.pk, password=given,
                         reason="The password was set by PAIRWISE_ADMIN_PASSWORD.")
    elif created or not user.password:
        made = secrets.token_urlsafe(12)
        user.set_password(made)
        user.save(update_fields=["password"])
    if created:
        user.groups.add(Group.objects.get(name=Role.ADMINISTRATOR))
    return made


def check_given(password: str) -> None:
    """The same rules as on the page. Raises CannotStart."""
    try:
        validate_password(password, get_user_model()(username=ADMIN))
    except ValidationError as error:
        raise CannotStart(f"PAIRWISE_ADMIN_PASSWORD is not taken: {' '.join(error.messages)} Give another one, or "
                          "leave it out to keep the present one.") from None


def provide_message_server() -> list[str]:
    """Build and import the Installation Package and the template of the Message Server; sentences of refusals."""
    actor, directory, warnings = command_line_actor("up"), settings.PAIRWISE_DATA_DIR / "build", []
    directory.mkdir(exist_ok=True)
    package, template = packaging.build(directory, windows_launcher()), packaging.write_template(directory)
    try:
        with open(package, "rb") as stream:
            import_package(actor=actor, file_name=package.name, stream=stream)
    except Refused as refused:
        warnings.append(f"The Installation Package {package.name} was not imported: {refused}")
    try:
        import_template(actor=actor, file_name=template.name, content=template.read_bytes())
    except Refused as refused:
        # One that was imported before stays as it is, whatever became of it since.
        if not ApplicationTemplate.objects.filter(file_name=template.name).exists():
            warnings.append(f"The Application Template {template.name} was not imported: {refused}")
    return warnings


def provide_agent() -> list[str]:
    """Build what other machines fetch to join; sentences of what is wrong."""
    try:
        authority = tls.trusted() if settings.PAIRWISE_CONTROL_TLS or settings.PAIRWISE_WEB_TLS else ""
        bundle.build(settings.PAIRWISE_AGENT_DIR, ca=authority if settings.PAIRWISE_CONTROL_TLS else "",
                     console_ca=authority if settings.PAIRWISE_WEB_TLS else "")
    except bundle.Damaged as damaged:
        return [f"Other hosts cannot join: {damaged}"]
    return []


def make_local_host() -> Host:
    """This machine as a Host; its LCA Port follows PAIRWISE_LCA_PORT, and its address PAIRWISE_HOST for as long as it
    has one that leads other machines to themselves."""
    actor, port = command_line_actor("up"), settings.PAIRWISE_LCA_PORT
    host = Host.objects.filter(ip_address=LOCAL_ADDRESS).first() or Host.objects.filter(name=LOCAL_HOST).first()
    address = address_for_others(settings.PAIRWISE_HOST)
    if Host.objects.filter(ip_address=address).exclude(pk=host.pk if host else 0).exists():
        address = LOCAL_ADDRESS
    try:
        if host is None:
            return create_host(actor=actor, draft=HostDraft(name=LOCAL_HOST, ip_address=address, lca_port=port))
        if host.ip_address != LOCAL_ADDRESS:
            address = host.ip_address
        if (host.ip_address, host.lca_port) != (address, port):
            draft = HostDraft(name=host.name, ip_address=address, os_type=host.os_type,
                              os_version=host.os_version, lca_port=port, enabled=host.enabled)
            return update_host(actor=actor, host_id=host.pk, revision=host.revision, draft=draft)
    except Refused as refused:
        raise CannotStart(f"PAIRWISE_LCA_PORT {port} cannot be the LCA Port of this machine: {refused}") from None
    return host


def _redis_url() -> str:
    """Redis as this machine's agent reaches it: over the network where other hosts do, with an account of its own."""
    if not settings.EMBEDDED_REDIS_PASSWORD:
        return settings.PAIRWISE_REDIS_URL
    return f"redis://{reachable_host(settings.PAIRWISE_HOST)}:{settings.PAIRWISE_REDIS_PORT}/0"


def write_agent_config(host: Host) -> Path:
    """agent.json of this machine's agent (mode 0600); its path."""
    data_dir = settings.PAIRWISE_DATA_DIR
    home = data_dir / "hosts" / LOCAL_HOST
    install_root = data_dir / "apps"
    for directory in (home, home / "state", install_root):
        directory.mkdir(parents=True, exist_ok=True)
    # Applications may run under accounts of their own, which must reach their directories.
    install_root.chmod(0o755)
    Host.objects.filter(pk=host.pk).update(install_root=str(install_root))
    path = home / "agent.json"
    write_atomically(path, json.dumps({
        "host": host.name,
        "secret": host.secret,
        "control": [{"host": address, "port": port} for address, port in settings.PAIRWISE_CONTROLS] or [
            {"host": reachable_host(settings.PAIRWISE_CONTROL_HOST).strip("[]"),
             "port": settings.PAIRWISE_CONTROL_PORT}],
        "ca_file": settings.PAIRWISE_TLS_CA if settings.PAIRWISE_CONTROL_TLS else "",
        "console_ca_file": settings.PAIRWISE_TLS_CA if settings.PAIRWISE_WEB_TLS else "",
        "console_url": console_address(),
        "broker_url": url_for(host, celery_broker_url(_redis_url())),
        "lca_port": settings.PAIRWISE_LCA_PORT,
        "state_dir": str(home / "state"),
        "install_root": str(install_root),
        "worker": True,
    }, indent=1).encode())
    return path
