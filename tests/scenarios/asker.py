"""``python -m tests.scenarios.asker``: answers questions about a run, one JSON line each, without a start per question.

A question is {"ask": "status"} (with "about": of what has this in its name), {"ask": "events"} (texts of the timeline,
newest first; with fields and values: of what has these), {"ask": "clocks", "names": [...]} (by how many seconds those
of their machines are off, as control sees it), {"ask": "job", "id": ...} (its state, reason and log),
{"ask": "drill report", "id": ...} (its state, sentence, figures and the phases done),
{"ask": "cancel drill", "id": ...} or {"ask": a verb, "name": an application, "reason": ...}; the answer of a verb is
{"ok", "reason", "facts"}, with the id of the job or drill among the facts when it made one. {"ask": "manage",
"arguments": [...], "text": standard input} does what `manage.py` does with them: {"code", "stdout", "stderr"}.
{"ask": "look", "name": a primary} looks on the hosts of its pair, {"ask": "audit", "name": ...} audits it and tells
{"verdict", "findings", "unknown"}, {"ask": "fix", "id": a finding} puts it right; {"ask": "store", "name": ...,
a field: a value} writes into the database what no page would, as an old database may hold it.
"""

import contextlib
import io
import json
import sys
import traceback
from unittest import mock

import django

django.setup()

from django.core.management import execute_from_command_line  # noqa: E402

from provisioning.applications.selectors.applications import application_list, find_application  # noqa: E402
from provisioning.core.permissions import command_line_actor  # noqa: E402
from provisioning.drills.services import drills  # noqa: E402
from provisioning.errors import Refused  # noqa: E402
from provisioning.hosts.selectors.hosts import host_list  # noqa: E402
from provisioning.models import Drill, Event, HostRuntime, Job, RuntimeStatus  # noqa: E402
from provisioning.monitoring.selectors.status import status_report  # noqa: E402
from provisioning.pairs.services import pairs  # noqa: E402
from provisioning.verbs.services import jobs  # noqa: E402

from . import auditor  # noqa: E402

EVENTS = 200
JOBS = {"install": jobs.install_application, "start": jobs.start_application, "stop": jobs.stop_application}
PAIR_VERBS = {"switchover": pairs.switch_over, "pause": pairs.pause_failover, "resume": pairs.resume_failover,
         "promote": pairs.promote, "probe": pairs.probe}


def answer(ask: str, name: str = "", **arguments) -> dict:
    if ask == "manage":
        return _manage(arguments["arguments"], arguments["text"])
    if ask == "status":
        return _status(arguments["about"])
    if ask == "events":
        found = Event.objects.filter(**arguments).order_by("-pk")
        return {"texts": list(found.values_list("text", flat=True)[:EVENTS])}
    if ask == "agent":
        return {"version": HostRuntime.objects.get(host__name=name).agent_version}
    if ask == "clocks":
        found = RuntimeStatus.objects.filter(application__name__in=arguments["names"])
        return {"offsets": list(found.values_list("clock_offset_s", flat=True))}
    if ask == "job":
        job = Job.objects.get(pk=arguments["id"])
        return {"state": job.state, "reason": job.reason, "log": list(job.lines.values_list("text", flat=True))}
    if ask == "look":
        return auditor.look(name)
    if ask == "store":
        return auditor.store(name, **arguments)
    if ask == "audit":
        return auditor.audit(name)
    if ask == "cancel drill":
        drills.cancel_drill(actor=command_line_actor("scenario"), drill_id=arguments["id"])
        return {"ok": True, "reason": "", "facts": {}}
    if ask == "drill report":
        drill = Drill.objects.get(pk=arguments["id"])
        return {"state": drill.state, "sentence": drill.sentence, "advice": drill.advice, "figures": drill.figures,
                "serves_now": drill.serves_now,
                "done": list(drill.steps.filter(state="done").values_list("phase", flat=True))}
    try:
        return _carry_out(ask, name, arguments)
    except Refused as refused:
        return {"ok": False, "reason": str(refused), "facts": {}}


def _status(about: str) -> dict:
    if not about:
        return status_report()
    with mock.patch.multiple(
            "provisioning.monitoring.selectors.status", application_list=lambda: application_list(text=about),
            host_list=lambda: host_list(text=about)):
        return status_report()


def _carry_out(verb: str, name: str, arguments: dict) -> dict:
    if verb == "fix":
        return {"ok": True, "reason": "", "facts": auditor.fix(arguments["id"])}
    whom = {"actor": command_line_actor("scenario"), "application_id": find_application(name).pk}
    if verb in JOBS:
        return {"ok": True, "reason": "", "facts": {"job": str(JOBS[verb](**whom, **arguments).pk)}}
    if verb == "drill":
        return {"ok": True, "reason": "", "facts": {"drill": drills.start_drill(**whom, **arguments).pk}}
    given = PAIR_VERBS[verb](**whom, **arguments)
    return {"ok": True, "reason": given.reason, "facts": given.facts}


def _manage(arguments: list[str], text: str) -> dict:
    out, err, code = io.StringIO(), io.StringIO(), 0
    given = io.TextIOWrapper(io.BytesIO(text.encode()))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), mock.patch("sys.stdin", given):
        try:
            execute_from_command_line(["manage.py", *arguments])
        except SystemExit as end:
            code = end.code or 0
        except Exception:
            code = 1
            traceback.print_exc()
    return {"code": code, "stdout": out.getvalue(), "stderr": err.getvalue()}


if __name__ == "__main__":
    for line in sys.stdin:
        given = answer(**json.loads(line))
        print(json.dumps(given, default=str), flush=True)
