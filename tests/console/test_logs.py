"""The console's log: a refused request is one line, and nobody pushes out what the log holds."""

import io
import json
import logging
import types
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory

from console import logs
from console.logs import EVERY_S, OF_A_KIND, OF_AN_ADDRESS, Bounded, NoTraceOfRefusals
from console.settings import LOGGING
from provisioning.core.log_context import about_job
from provisioning.core.permissions import actor_of
from provisioning.web.request_ids import with_request_id


@pytest.mark.parametrize(("status", "has_trace"), [(400, False), (403, False), (404, False), (500, True)])
def test_only_what_went_wrong_has_a_trace(status, has_trace):
    handler = logging.StreamHandler(written := io.StringIO())
    handler.addFilter(NoTraceOfRefusals())
    try:
        raise PermissionDenied("no")
    except PermissionDenied as error:
        record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, "Forbidden: /x", (), (
            type(error), error, error.__traceback__))
    record.status_code = status
    handler.handle(record)
    assert ("Traceback" in written.getvalue()) == has_trace


class Log:
    """What the console's handler writes, with a clock that ``now`` says."""

    def __init__(self):
        self.now = 0.0
        self._handler = logging.StreamHandler(written := io.StringIO())
        self._written = written
        for each in (NoTraceOfRefusals(), Bounded(lambda: self.now)):
            self._handler.addFilter(each)

    def request(self, text="Bad Request: /x", *, status=400, address="203.0.113.9", line=1, error=None):
        record = logging.LogRecord("django.request", logging.WARNING, "views.py", line, text, (),
                                   (type(error), error, error.__traceback__) if error else None)
        record.status_code, record.request = status, types.SimpleNamespace(META={"REMOTE_ADDR": address})
        self._handler.handle(record)

    def say(self, text, *args, path="main.py", line=1, name="control.main"):
        self._handler.handle(logging.LogRecord(name, logging.INFO, path, line, text, args, None))

    @property
    def text(self) -> str:
        return self._written.getvalue()

    def count(self, text) -> int:
        return self.text.count(text)


def raised(error=None, depth=0):
    try:
        if depth:
            _deep(depth)
        raise error or RecursionError("too deep")
    except Exception as found:
        return found


def _deep(left):
    if not left:
        raise ValueError("deep")
    # Two functions by turns: Python shortens the trace of one that calls itself.
    _deeper(left - 1)


def _deeper(left):
    _deep(left)


def test_one_address_writes_so_many_lines_a_minute_and_the_rest_is_counted():
    log = Log()
    for _ in range(2_500):
        log.request()
    assert log.count("Bad Request") == OF_AN_ADDRESS
    log.request(address="203.0.113.10")
    assert f"({2_500 - OF_AN_ADDRESS} more since the last such line.)" in log.text
    log.now = EVERY_S
    log.request()
    assert log.count("Bad Request") == OF_AN_ADDRESS + 2


def test_many_addresses_together_write_so_many_lines_of_a_kind(monkeypatch):
    monkeypatch.setattr(logs, "ADDRESSES", 50)
    log = Log()
    for number in range(2_500):
        log.request(address=f"2001:db8::{number:x}")
        log.request("Not Found: /x", status=404, address=f"2001:db8::{number:x}")
    assert log.count("Bad Request") <= OF_A_KIND
    assert log.count("Not Found") <= OF_A_KIND


def test_an_error_that_comes_again_and_again_has_one_trace_a_minute():
    log, error = Log(), raised()
    for number in range(2_500):
        log.request("Internal Server Error: /x", status=500, address=f"2001:db8::{number:x}", error=error)
    assert log.count("Traceback") == 1
    assert len(log.text) < 10_000
    log.request("Internal Server Error: /x", status=500, error=raised(ValueError("another one")), line=2)
    assert log.count("Traceback") == 2
    log.now = EVERY_S
    log.request("Internal Server Error: /x", status=500, error=error, line=3)
    assert log.count("Traceback") == 3
    assert "more since the last such trace.)" in log.text


def test_a_long_line_and_a_long_trace_are_cut():
    log = Log()
    log.request("Not Found: /" + "x" * 60_000, status=404)
    assert len(log.text) <= logs.LINE_CHARACTERS + 2
    log.request(status=500, error=raised(depth=300))
    assert "[…]" in log.text
    assert "ValueError: deep" in log.text
    assert len(log.text) < 2 * logs.TRACE_CHARACTERS


@pytest.mark.parametrize("name", ["control.main", "provisioning.web.kept", "provisioning.jobs.worker.reports"])
def test_each_place_in_the_code_writes_so_many_lines_a_minute_and_the_rest_is_counted(name):
    log = Log()
    for number in range(2_500):
        log.say("POST /%d was refused", number, name=name)
        log.say("%s", f"another one: {number}", line=2, name=name)
    assert log.count("was refused") == log.count("another one") == OF_A_KIND
    log.say("an agent is connected", path="sessions.py")
    assert "an agent is connected" in log.text
    log.now = EVERY_S
    log.say("POST /x was refused", name=name)
    assert f"POST /x was refused ({2_500 - OF_A_KIND} more since the last such line.)" in log.text


def test_every_line_is_cut_and_is_one_line():
    log = Log()
    log.say("POST %s was refused", "/" + "x" * 50_000)
    assert len(log.text) <= logs.LINE_CHARACTERS + 2
    log.say("POST %s was refused\n", "/\r\n2026-11-30 00:00:00 INFO control.main all is well\x1b[2J\u2028", line=2)
    assert log.text.count("\n") == 2
    assert r"/\r\n2026-11-30 00:00:00 INFO control.main all is well\x1b[2J\u2028 was refused" in log.text


def test_a_line_whose_arguments_do_not_fit_it_is_written_as_it_is():
    log = Log()
    log.say("%d agents", "many")
    assert log.text == "%d agents ('many',)\n"


@pytest.mark.django_db
def test_forms_of_strangers_without_a_token_do_not_fill_the_log():
    client = Client(enforce_csrf_checks=True)
    handler = logging.StreamHandler(written := io.StringIO())
    handler.addFilter(Bounded())
    logging.getLogger().addHandler(handler)
    try:
        for _ in range(2 * OF_A_KIND):
            assert client.post(f"/audit/export/{'a' * 20_000}/", {"x": "1"}).status_code == 403
    finally:
        logging.getLogger().removeHandler(handler)
    assert "POST /audit/export/aaa" in written.getvalue()
    assert len(written.getvalue()) < 2 * OF_A_KIND * (logs.LINE_CHARACTERS + 100)


def test_the_handler_of_the_settings_is_bounded():
    assert LOGGING["handlers"]["stderr"]["filters"] == ["no trace of refusals", "without tokens", "bounded"]


def test_for_programs_each_line_is_an_object():
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.Json())
    handler.addFilter(Bounded())
    log = logging.Logger("console.tests")
    log.addHandler(handler)
    log.warning("One\nline: %s", "ä")
    try:
        raise ValueError("wrong")
    except ValueError:
        log.exception("It failed")
    first, second = map(json.loads, written.getvalue().splitlines())
    assert {"level": "WARNING", "logger": "console.tests", "text": "One\\nline: ä"}.items() <= first.items()
    assert datetime.fromisoformat(first["at"]).utcoffset() == timedelta(0)
    assert second["text"] == "It failed"
    assert second["trace"].endswith("ValueError: wrong")


@pytest.mark.parametrize("form", ["line", "json"])
def test_of_an_api_token_only_what_names_it_is_written_in_lines_and_traces(form):
    token = f"pw_{'k' * 8}_{'s' * 40}"
    handler = logging.StreamHandler(written := io.StringIO())
    for name in LOGGING["handlers"]["stderr"]["filters"]:
        handler.addFilter(_of_settings(name))
    handler.setFormatter(logs.Json() if form == "json" else logging.Formatter("%(message)s"))
    try:
        raise ValueError(f"what is {token}?")
    except ValueError as error:
        handler.handle(logging.LogRecord("x", logging.ERROR, "x.py", 1, "Authorization: Bearer %s", (token,), (
            type(error), error, error.__traceback__)))
    said = written.getvalue()
    assert "s" * 8 not in said
    assert said.count(f"pw_{'k' * 8}_…") == 2


def _of_settings(name):
    module, _, kind = LOGGING["filters"][name]["()"].rpartition(".")
    assert module == logs.__name__
    return getattr(logs, kind)()


def written_as_json(say):
    """The object that the line of ``say(log)`` is."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.Json())
    log = logging.Logger("console.tests")
    log.addHandler(handler)
    say(log)
    return json.loads(written.getvalue())


def test_a_line_names_the_request_and_who_asks():
    def view(request):
        actor = actor_of(request)
        return written_as_json(lambda log: log.info("Said.")), actor

    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    line, actor = with_request_id(view)(request)
    assert (line["request_id"], line["user"]) == (actor.request_id, "anonymous")
    assert "job" not in line
    assert not {"request_id", "user"} & written_as_json(lambda log: log.info("Later.")).keys()
    later = written_as_json(lambda log: log.info("Of it.", extra={"request": request}))
    assert later["request_id"] == actor.request_id


async def test_a_line_of_an_asynchronous_view_names_the_request():
    async def view(request):
        return written_as_json(lambda log: log.info("Said."))

    request = RequestFactory().get("/")
    assert (await with_request_id(view)(request))["request_id"] == request.request_id


def test_a_line_names_the_job_that_is_worked_on():
    @about_job
    def work(job_id):
        return written_as_json(lambda log: log.info("Said."))

    assert work("6c0f")["job"] == "6c0f"
    assert work(types.SimpleNamespace(pk=7))["job"] == "7"
    assert "job" not in written_as_json(lambda log: log.info("Later."))
