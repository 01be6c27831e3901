"""Join a machine over SSH: the console logs in once and runs the same line there (ADR 9).

The login is in the form, in a pipe and in one short-lived process, and nowhere else: no row, no log, no broker.
"""

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import transaction

from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.core.systems import no_agent
from provisioning.errors import Refusal, Refused
from provisioning.history import history
from provisioning.hosts.rules import ssh_joining as rules
from provisioning.hosts.rules.ssh_joining import Login
from provisioning.hosts.selectors.hosts import get_host
from provisioning.hosts.selectors.joining import NO_BUNDLE, command_from
from provisioning.models import Host, HostEnrolment

from . import enrolment
from .ssh_session import HostKey, SshFailed, fingerprint_of, host_key, run_join, why_no_key

log = logging.getLogger(__name__)
STAGE = "ssh"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The key that a machine shows. ``pinned`` is the fingerprint of the one that was confirmed before, "" for none."""

    key: HostKey
    pinned: str

    @property
    def is_other(self) -> bool:
        return bool(self.pinned) and self.pinned != self.key.fingerprint


def look(*, actor: Actor, host: Host, port: int) -> Shown:
    """Ask the machine for its host key. Raises Refused."""
    actor.require(permissions.MANAGE_HOSTS)
    if why := no_agent(host.name, host.os_type):
        raise Refused(Refusal(why, "port"))
    try:
        key = host_key(host.ip_address, port)
    except SshFailed as failed:
        raise Refused(Refusal(str(failed), "port")) from None
    return Shown(key=key, pinned=fingerprint_of(host.ssh_host_key))


def begin(*, actor: Actor, host_id: int, port: int, key: str, login: Login, asked_host: str) -> HostEnrolment:
    """Pin the confirmed ``key`` and start a process that joins the machine. Raises Refused, NotFound."""
    actor.require(permissions.MANAGE_HOSTS)
    fingerprint = fingerprint_of(key)
    if not fingerprint:
        raise Refused(Refusal("The host key that was confirmed is none. Ask for it again.", "port"))
    if login.private_key and (why := why_no_key(login)):
        raise Refused(Refusal(why, "private_key"))
    line = command_from(asked_host)
    if not line:
        raise Refused(NO_BUNDLE)
    enrolment.require_account(get_host(host_id))
    with history.atomic():
        row = enrolment.make_token(actor=actor, host_id=host_id)
        Host.objects.filter(pk=host_id).update(ssh_host_key=key)
        history.record_verb(actor=actor, row=row.host, reason=(
            f"Confirmed the SSH host key {fingerprint} and joins {row.host.name} by SSH as {login.user}."))
        _note(row, "running", f"Logging in as {login.user}.")
        order = {"enrolment": row.pk, "port": port, "key": key, "line": line, "login": asdict(login)}
        transaction.on_commit(lambda: _start(order))
    return row


def _start(order: dict) -> None:
    """A process of its own, which outlives this request and a restart of the web process."""
    process = subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "join_by_ssh"], stdin=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL, cwd=settings.BASE_DIR, start_new_session=True,
        env={**os.environ, "PAIRWISE_DATA_DIR": str(settings.PAIRWISE_DATA_DIR)})
    if process.stdin is not None:
        with process.stdin as pipe:
            pipe.write(json.dumps(order))
    threading.Thread(target=process.wait, daemon=True, name="join by SSH").start()


def carry_out(order: dict) -> bool:
    """In that process: log in, run, say how it went on the host's page; True when it went well."""
    row = HostEnrolment.objects.select_related("host").get(pk=order["enrolment"])
    login = Login(**order["login"])

    @sync_to_async
    def logged_in(sentence: str) -> None:
        _note(row, "done", sentence)

    try:
        asyncio.run(run_join(row.host.ip_address, order["port"], key=order["key"], login=login, line=order["line"],
                             token=row.token, logged_in=logged_in))
    except SshFailed as failed:
        _failed(row, str(failed))
    except Exception as error:
        # Never the error's own text or trace: what was given to log in may be in it.
        log.error("joining host %s by SSH broke: %s", row.host.name, type(error).__name__)
        _failed(row, rules.BROKEN)
    else:
        return True
    return False


def _failed(row: HostEnrolment, sentence: str) -> None:
    row.refresh_from_db()
    told = {each["name"]: each["state"] for each in row.stages}
    # Once the program runs there it says itself, stage by stage, what went wrong.
    if told.get(STAGE) != "done" or "failed" not in told.values():
        _note(row, "failed", sentence)
    log.warning("host %s did not join by SSH: %s", row.host.name, sentence)


def _note(row: HostEnrolment, state: str, text: str) -> None:
    enrolment.note_stage(enrolment=row, name=STAGE, state=state, text=text)
    changes.tell(f"host:{row.host_id}")
