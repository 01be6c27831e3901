"""Where secrets are looked for: functions that give (where, text) of everything that somebody can get to see."""

import io
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from urllib.parse import quote

from asyncssh import generate_private_key
from django.apps import apps
from django.conf import settings
from django.db import connection, connections, router
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from docs.openapi import described
from provisioning.accounts.services import sign_in
from provisioning.accounts.services.sign_in_story import TOLD_EVERY
from provisioning.audit.exports import FORMATS
from provisioning.models import Host
from provisioning.verbs.services import jobs
from tests import factories
from tests.api.operations import asked, operations
from tests.commands import run
from tests.provisioning.addresses import ADDRESSES, MACHINE
from tests.provisioning.hosts.test_host_api import signed
from tests.provisioning.walk import PEOPLE, forgotten

from .plant import PlantedWorld

Texts = Iterator[tuple[str, str]]
PLACES: dict[str, Callable[[PlantedWorld], Texts]] = {}


def place(function: Callable[[PlantedWorld], Texts]) -> Callable[[PlantedWorld], Texts]:
    PLACES[function.__name__] = function
    return function


def answer_text(answer) -> str:
    """Body and headers, but for the cookies: a session's key is for its owner's browser."""
    if answer.streaming:
        body = "" if answer.is_async else texts_of(answer.getvalue())
    else:
        body = answer.content.decode(errors="replace")
    return body + "\n".join(f"{name}: {value}" for name, value in answer.headers.items())


def texts_of(body: bytes) -> str:
    """A file as text; of an archive all that is in it."""
    if not body.startswith(b"PK"):
        return body.decode(errors="replace")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return "".join(f"{name}\n{archive.read(name).decode()}\n" for name in archive.namelist())


@place
def pages(world) -> Texts:
    """Every address as an Administrator, who sees most."""
    yield from pages_of(world, PEOPLE[-1:])


def pages_of(world, people) -> Texts:
    """Every address as each of ``people``, whole and as a script's part."""
    for name, requests in ADDRESSES.items():
        for request in requests:
            for address in world.addresses(name, request) if request.method == "GET" else ():
                for who in people:
                    for script in (False, True):
                        with forgotten():
                            yield f"{name} as {who}", answer_text(world.ask(who, "GET", address, script=script))


@place
def forms(world) -> Texts:
    """Every form as an Administrator, whatever it answers."""
    for name, requests in ADDRESSES.items():
        for request in requests:
            if request.method == "POST" and request.need != MACHINE:
                for address in world.addresses(name, request):
                    with forgotten():
                        answer = world.ask(PEOPLE[-1], "POST", address, world.sent(request), script=name != "login")
                    yield name, answer_text(answer)


@place
def api(world) -> Texts:
    """Every operation of the API as an Administrator, whatever it answers, and every object of its lists."""
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[PEOPLE[-1]]
    schema = described()
    for method, path, operation in operations(schema):
        with forgotten():
            answer = asked(client, world, operation["operationId"], method, path)
        assert answer.status_code < 500 or answer.status_code == 503, path
        yield operation["operationId"], answer_text(answer)
        if method == "get" and any(other.startswith(f"{path}/{{") for other in schema["paths"]):
            for row in answer.json().get("items", ()):
                yield f"{path} one by one", answer_text(client.get(f"{path}/{row.get('id', row.get('number'))}"))


@place
def mistyped_sign_in(world) -> Texts:
    sent = {"username": "planted", "password": world.secrets["mistyped password"]}
    yield "sign-in", answer_text(Client().post("/login/", sent))
    sent = {"old_password": world.secrets["mistyped password"], "new_password1": world.secrets["person's password"],
            "new_password2": "x"}
    address = "/account/password/"
    yield "password change", answer_text(world.ask(PEOPLE[-1], "POST", address, sent))
    sent = {"username": world.secrets["password typed as a name"], "password": "planted"}
    for origin in ("198.51.100.7", "198.51.100.7", "198.51.100.8"):
        yield "sign-in with a password as the name", answer_text(Client(REMOTE_ADDR=origin).post("/login/", sent))
    sign_in.tell_and_forget(timezone.now() + TOLD_EVERY)
    history = answer_text(world.ask(PEOPLE[-1], "GET", "/operations/history/?action=sign_in"))
    assert "pl… (no such user)" in history
    assert "names that are no users" in history
    yield "history", history
    yield "users", answer_text(world.ask(PEOPLE[-1], "GET", "/provisioning/accounts/users/"))


@place
def tokens(world) -> Texts:
    """One that is shown where it is not good, and lists of them."""
    text = world.secrets["API token"]
    with override_settings(PAIRWISE_METRICS=["token"]):
        for scheme, status in (("Bearer", 403), ("Basic", 401)):
            answer = Client().get("/metrics", headers={"Authorization": f"{scheme} {text}"})
            assert answer.status_code == status
            yield "metrics", answer_text(answer)
    for words in (["tokens", "list"], ["tokens", "list", "--json"]):
        _, out, err = run(*words)
        assert "a-program" in out
        yield "manage.py tokens", out + err


@place
def join_by_ssh(world) -> Texts:
    """A login that is taken, and one that cannot be used at a port where nobody listens."""
    key = generate_private_key("ssh-ed25519").export_public_key().decode()
    login = {"port": world.closed_port, "key": key, "user": "root", "password": world.secrets["SSH password"]}
    address = f"/provisioning/environment/hosts/{world.backup.host_id}/join/ssh/"
    answer = world.ask(PEOPLE[-1], "POST", address, login)
    assert answer.status_code == 302
    yield "login", answer_text(answer)
    Host.objects.filter(pk=world.backup.host_id).update(ip_address="127.0.0.1")
    unusable = {**login, "private_key": world.secrets["SSH key"], "passphrase": world.secrets["SSH passphrase"]}
    answer = world.ask(PEOPLE[-1], "POST", address, unusable)
    assert answer.status_code == 422
    yield "login that cannot be used", answer_text(answer)


@place
def host_api(world) -> Texts:
    """What a host that proves itself is given."""
    address = f"/host-api/applications/{world.primary.pk}/secret"
    for host in (world.primary.host, world.backup.host):
        name = "its own host" if host == world.primary.host else "another host"
        yield f"secret for {name}", answer_text(Client().get(address, headers=signed(host, address)))


@place
def commands(world) -> Texts:
    manifest = world.directory / "pair.yaml"
    manifest.write_text(f"applications:\n- name: MS_Primary\n  options:\n    clients:\n      publisher: "
                        f"'{world.secrets['client password']}x'\n")
    for words in (["export"], ["status"], ["status", "--json"], ["users", "list"], ["users", "list", "--json"],
                  ["failover_check", "MS_Primary"], ["apply", str(manifest)], ["synchronize", "MS_Primary"],
                  *(["audit", "--format", name] for name in ("text", *FORMATS))):
        with forgotten():
            _, out, err = run(*words)
        yield f"manage.py {words[0]}", out + err
    file = world.directory / "bundle.zip"
    run("support_bundle", "MS_Primary", "--output", str(file))
    yield "manage.py support_bundle", texts_of(file.read_bytes())


@place
def broker(world) -> Texts:
    """Every key of Redis: jobs on their way, notices to open pages."""
    dump = {b"list": lambda key: world.broker.lrange(key, 0, -1), b"set": world.broker.smembers,
            b"hash": world.broker.hgetall, b"zset": lambda key: world.broker.zrange(key, 0, -1),
            b"stream": world.broker.xrange, b"string": world.broker.get}
    keys = world.broker.keys()
    assert any(b"host." in key for key in keys), "the jobs that were planted are not there"
    for key in keys:
        yield key.decode(), str(dump[world.broker.type(key)](key))


def broker_url(world) -> str:
    return f"redis://:{quote(world.secrets['broker password'], safe='')}@127.0.0.1:{world.closed_port}/0"


@place
def broker_that_is_away(world) -> Texts:
    """A job that cannot be handed over, and the pages that say so; the broker's address has a password."""
    url = broker_url(world)
    with override_settings(PAIRWISE_REDIS_URL=url), world.no_broker(url), world.committing():
        job = jobs.start_application(actor=factories.ADMINISTRATOR, application_id=world.stopped.pk)
        for address in ("/monitoring/", "/healthz", f"/operations/jobs/{job.pk}/", "/operations/jobs/"):
            yield address, answer_text(world.ask(PEOPLE[-1], "GET", address))
        _, out, err = run("start", world.other.name)
        yield "manage.py start", out + err


@place
def faults(world) -> Texts:
    """A view that breaks: with its traces in the log, and on the page where they are switched on."""
    for debug in (False, True):
        with override_settings(DEBUG=debug, PAIRWISE_REDIS_URL=broker_url(world)), forgotten():
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE provisioning_event RENAME TO gone")
            client = Client(raise_request_exception=False)
            client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[PEOPLE[-1]]
            answer = client.get("/monitoring/events/")
            assert answer.status_code == 500
            yield f"error page{' with traces' if debug else ''}", answer_text(answer)


@place
def database(world) -> Texts:
    """Every row of every table, as it is stored: History, jobs and their lines, events, failed sign-ins, sessions."""
    for model in apps.get_models(include_auto_created=True):
        with connections[router.db_for_read(model)].cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            yield model._meta.db_table, repr(cursor.fetchall())


@place
def processes(world) -> Texts:
    """Command lines, which every account of a machine can read."""
    yield "ps", subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


@place
def log(world) -> Texts:
    """All that was logged while everything above happened."""
    yield "log", world.log()
