"""The walk over every address of the console: one object of each kind, a person of each role, one request at a time."""

import itertools
import uuid
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connections, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from provisioning.accounts.rules.tokens import Draft
from provisioning.accounts.services.service_accounts import make_service_token
from provisioning.accounts.views.session_life import BEGUN
from provisioning.audit.worker.run import run_audit
from provisioning.history import history
from provisioning.hosts.services import enrolment
from provisioning.models import (
    Alarm,
    AlarmCondition,
    Application,
    Drill,
    Event,
    Finding,
    PairException,
    SavedSearch,
    Waiver,
)
from provisioning.monitoring.services import wall
from provisioning.states import AuditTrigger, DrillState, JobKind, JobState, Role
from tests import factories

from .addresses import ARGUMENTS, Request

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NOBODY, NO_ROLE = "nobody", "no role"
PEOPLE = (NOBODY, NO_ROLE, str(Role.OPERATOR), str(Role.SUPPORT), str(Role.ADMINISTRATOR))
SCRIPT = {"HX-Request": "true", "HX-Target": "dialog-content", "HX-Current-URL": "http://testserver/operations/jobs/?q=a"}
_CHANGES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


def patterns(resolver=None) -> dict[str, URLPattern]:
    """{name: pattern} of every address; the name of one without a name is its route."""
    found = {}
    for entry in (resolver or get_resolver()).url_patterns:
        inner = patterns(entry) if isinstance(entry, URLResolver) else {entry.name or str(entry.pattern): entry}
        assert not found.keys() & inner.keys(), f"two addresses have the name {found.keys() & inner.keys()}"
        found |= inner
    return found


@contextmanager
def forgotten():
    """Whatever happens inside did not happen: one request of the walk does not meet what another one did."""
    with ExitStack() as databases:
        for alias in connections:
            databases.enter_context(_taken_back(alias))
        yield


@contextmanager
def _taken_back(alias: str):
    outer = transaction.atomic(using=alias)
    # As the transaction of a test: work in turns takes no notice of it.
    outer._from_testcase = True
    with outer:
        try:
            yield
        finally:
            transaction.set_rollback(True, using=alias)


@contextmanager
def no_change(*, but: str = ""):
    """A statement that changes a row fails the test, with the statement; unless the row is one of the table ``but``."""

    def refuse(execute, sql, params, many, context):
        changes = sql.lstrip(" (").upper().startswith(_CHANGES)
        assert not changes or (but and f'"{but}"' in sql), f"this changes a row: {sql}"
        return execute(sql, params, many, context)

    with ExitStack() as databases:
        for alias in connections:
            databases.enter_context(connections[alias].execute_wrapper(refuse))
        yield


class World:
    """A pair that runs, one object of every other kind, and people; ``ask`` makes one request as one of them."""

    def __init__(self):
        primary, backup = factories.make_pair()
        host, key = primary.host, uuid.uuid4
        Event.objects.create(at=primary.created_at, application=primary, text="It was started.")
        enrolment.make_token(actor=factories.ADMINISTRATOR, host_id=host.pk)
        batches = {"batch": JobKind.START, "installs": JobKind.INSTALL}
        keys = {name: key() for name in batches}
        jobs = {name: factories.make_job(primary, kind=kind, state=JobState.FAILED, batch=keys[name])
                for name, kind in batches.items()}
        self.objects = {
            **keys, "application": primary.pk, "pair": primary.pk, "host": host.pk,
            "silent host": factories.make_host(status=None).pk, "template": primary.template_id,
            "package": factories.make_package().pk, "job": jobs["batch"].pk, "install": jobs["installs"].pk,
            "drill": Drill.objects.create(primary=primary, primary_name="MS_Primary", backup_name="MS_Backup",
                                          asked_by="ada", state=DrillState.PASSED).pk,
            **self._audited(primary, backup), "log": factories.make_record(application="MS_Primary").pk,
            "alarm": factories.make_alarm().pk,
            "maintenance": factories.make_maintenance().pk,
            "condition": AlarmCondition.objects.create(name="Line lost", detect_event=4504).pk,
            "factor": 1, "token": wall.make_address(actor=factories.ADMINISTRATOR),
            "search": SavedSearch.objects.create(user=factories.make_user("searcher"), list="event-list", name="Lost",
                                                 query="text=lost", shared=True).pk,
            "exception": PairException.objects.create(primary=primary, what="description", reason="A test.").pk}
        self.objects |= self._entries(primary, host) | self._notified() | self._of_programs()
        self.primary, self.backup = primary, backup
        self.objects["user"] = factories.make_user("another", roles=(Role.OPERATOR,)).pk
        self.sessions = {who: self._session(who) for who in PEOPLE if who != NOBODY}

    @staticmethod
    def _of_programs() -> dict:
        """A service account with its token."""
        row, text = make_service_token(actor=factories.ADMINISTRATOR, draft=Draft(name="a-program", roles=["Support"]))
        return {"service": row.owner_id, "apitoken": row.pk, "text of a token": text}

    @staticmethod
    def _notified() -> dict:
        """The webhook and the target are some that this machine is not let ask, so nothing leaves it."""
        channel = factories.make_channel("Duty", fields={"url": "https://127.0.0.1:9/", "secret": "s3cret-of-a-hook"})
        target = factories.make_target("Collector", address="syslog+tcp://127.0.0.1:9", token="s3cret-of-a-collector",
                                       number=1)
        return {"shipping": target.pk, "channel": channel.pk, "rule": factories.make_rule(channel, name="Night").pk,
                "delivery": factories.make_tried(channel, alarms=[Alarm.objects.get().pk]).pk}

    def _audited(self, primary, backup) -> dict:
        """A finding that can be fixed, and a waiver of another one."""
        Application.objects.filter(pk=backup.pk).update(auto_restart=False)
        run_audit([primary.pk], trigger=AuditTrigger.DEMAND)
        waived, tomorrow = Finding.objects.exclude(code="A27").first(), timezone.now().date() + timedelta(days=1)
        waiver = Waiver.objects.create(
            primary=primary, code=waived.code, subject=waived.subject, fact=waived.fact, sentence=waived.sentence,
            reason="A test.", waived_by="ada", expires_on=tomorrow)
        run_audit([primary.pk], trigger=AuditTrigger.DEMAND)
        return {"audit": primary.pk, "finding": Finding.objects.get(audit__is_latest=True, code="A27").pk,
                "waiver": waiver.pk, "tomorrow": tomorrow.isoformat()}

    @staticmethod
    def _entries(application, host) -> dict[str, int]:
        """Entries of history: of an application that changed, of a host, and of an application that was deleted."""
        gone, found = factories.make_application("Gone", host=host), {}
        for name, row, was in (("history", application, {"description": "As it was."}),
                               ("host entry", host, {"os_version": "11"}), ("deleted entry", gone, None)):
            body = history.snapshot(row)
            entry = history.record(actor=factories.ADMINISTRATOR, row=row, before=body,
                                   after=None if was is None else body | was)
            found[name] = entry.number
        type(gone).objects.filter(pk=gone.pk).delete()
        return found

    def _session(self, who: str) -> str:
        user, client = User.objects.create_user(f"person {who}"), Client()
        if who != NO_ROLE:
            user.groups.add(Group.objects.get_or_create(name=who)[0])
        client.force_login(user)
        # It ends when it must: however long a walk lasts, no request moves that.
        session, spared = client.session, settings.SESSION_LONGEST_S - settings.SESSION_COOKIE_AGE
        session[BEGUN] = (timezone.now() - timedelta(seconds=spared)).isoformat()
        session.save()
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    def addresses(self, name: str, request: Request) -> list[str]:
        """Where ``request`` goes: one address for each value of the arguments that are no keys."""
        kinds = patterns()[name].pattern.converters
        values = [self._values(name, argument, request) for argument in kinds]
        found = [reverse(name, kwargs=dict(zip(kinds, chosen, strict=True))) for chosen in itertools.product(*values)]
        return found if request.method in ("GET", "HEAD") else found[:1]

    def _values(self, name: str, argument: str, request: Request) -> list:
        if argument in ARGUMENTS:
            return ARGUMENTS[argument]
        kind = request.pk or (name.split("-")[0] if argument == "pk" else argument)
        assert kind in self.objects, f"tests/provisioning/walk.py: World needs an object for {argument} of {name}"
        return [self.objects[kind]]

    def sent(self, request: Request) -> dict:
        return {name: value.format(**self.objects) for name, value in request.sent.items()}

    def ask(self, who: str, method: str, address: str, sent: dict | None = None, *, script: bool = False,
            checks_csrf: bool = False):
        """The answer to one request of ``who``; of a script when ``script``. What a view raises is raised here."""
        client = Client(enforce_csrf_checks=checks_csrf)
        if who != NOBODY:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[who]
        body = {"data": sent or {}} if method in ("GET", "HEAD", "POST") else {}
        answer = getattr(client, method.lower())(address, **body, headers=SCRIPT if script else None)
        if answer.streaming and not answer.is_async:
            # As a browser does, to the end: that closes what it is read from.
            answer.streaming_content = [answer.getvalue()]
        return answer
