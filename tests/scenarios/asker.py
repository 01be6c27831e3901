"""``python -m tests.scenarios.asker``: answers questions about a run, one JSON line each, without a start per question.

A question is {"ask": "status"}, {"ask": "events"} (texts of the timeline, newest first) or {"ask": verb of a pair,
"name": a member, "reason": ...}; the answer of a verb is {"ok", "reason", "facts"}.
"""

import json
import sys

import django

django.setup()

from provisioning.errors import Refused  # noqa: E402
from provisioning.models import Event  # noqa: E402
from provisioning.permissions import command_line_actor  # noqa: E402
from provisioning.selectors.applications import find_application  # noqa: E402
from provisioning.selectors.status import status_report  # noqa: E402
from provisioning.services import pairs  # noqa: E402

EVENTS = 200
VERBS = {"switchover": pairs.switch_over, "pause": pairs.pause_failover, "resume": pairs.resume_failover,
         "promote": pairs.promote, "probe": pairs.probe}


def answer(ask: str, name: str = "", **arguments) -> dict:
    if ask == "status":
        return status_report()
    if ask == "events":
        return {"texts": list(Event.objects.order_by("-pk").values_list("text", flat=True)[:EVENTS])}
    actor = command_line_actor("scenario")
    try:
        given = VERBS[ask](actor=actor, application_id=find_application(name).pk, **arguments)
    except Refused as refused:
        return {"ok": False, "reason": str(refused), "facts": {}}
    return {"ok": True, "reason": given.reason, "facts": given.facts}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line)), default=str), flush=True)
