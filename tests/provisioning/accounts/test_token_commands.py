"""``manage.py tokens``."""

import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from provisioning.accounts.rules.tokens import TOKEN, USUAL_DAYS, Draft
from provisioning.accounts.services.tokens import actor_of_token, make_token, require_metrics_token
from provisioning.models import ApiToken, HistoryEntry
from tests.commands import run
from tests.provisioning.sign_ins import by

pytestmark = pytest.mark.django_db


def shown(text):
    return actor_of_token(text, address="192.0.2.1")


def test_add_prints_the_token_alone_on_a_line_and_makes_a_service_account_of_the_role_support():
    code, out, err = run("tokens", "add", "robot")
    assert (code, out.count("\n")) == (0, 1)
    assert TOKEN.fullmatch(out.strip())
    assert out.strip() not in err
    actor = shown(out.strip())
    assert (actor.name, actor.roles, actor.read_only, actor.origin) == (
        "robot", {"Support"}, False, "token robot from 192.0.2.1")
    left = ApiToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=USUAL_DAYS - 1) < left <= timedelta(days=USUAL_DAYS)
    entry = HistoryEntry.objects.get(object_type="api_token")
    assert (entry.user_name, entry.origin.startswith("manage.py tokens as ")) == ("command line", True)


def test_what_is_asked_for_is_given():
    code, out, _ = run("tokens", "add", "robot", "--role", "Operator", "--role", "Support", "--read-only",
                       "--expires", "7", "--networks", "192.0.2.0/24", "--description", "Reports.", "--json")
    body = json.loads(out)
    assert (code, body.keys(), body["name"]) == (0, {"name", "token", "expires"}, "robot")
    assert timedelta(days=6) < datetime.fromisoformat(body["expires"]) - timezone.now() <= timedelta(days=7)
    actor, row = shown(body["token"]), ApiToken.objects.get()
    assert (actor.roles, actor.read_only) == ({"Operator", "Support"}, True)
    assert (row.networks, row.description) == ("192.0.2.0/24", "Reports.")


def test_one_for_metrics_and_one_that_never_expires():
    _, out, _ = run("tokens", "add", "prometheus", "--metrics", "--expires", "0", "--json")
    body = json.loads(out)
    assert body["expires"] is None
    require_metrics_token(body["token"], address="192.0.2.1")


@pytest.mark.parametrize(("words", "sentence"), [
    (["--role", "King"], '"King" is no role. Roles are Administrator, Operator, Support.'),
    (["--expires", "367"], "A token is good for 1 to 366 days."), (["--networks", "x"], "Networks: "),
    (["--expires", "-1"], "A token is good for 1 to 366 days.")])
def test_what_cannot_be_is_refused_and_leaves_nothing(words, sentence):
    code, out, err = run("tokens", "add", "robot", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert not ApiToken.objects.exists()


def test_list_and_revoke(otto):
    _, out, _ = run("tokens", "add", "robot")
    key = ApiToken.objects.get().key
    shown(out.strip())
    _, listed, _ = run("tokens", "list")
    assert listed.startswith(f"robot/robot (pw_{key}…): Support, good, expires ")
    assert "from 192.0.2.1" in listed
    [body] = json.loads(run("tokens", "list", "--json")[1])["tokens"]
    assert (body["name"], body["owner"], body["roles"], body["state"]) == ("robot", "robot", ["Support"], "Good")
    assert out.strip().rpartition("_")[2] not in listed + json.dumps(body)
    make_token(actor=by(otto), owner=otto, draft=Draft(name="robot", roles=["Operator"]))
    code, _, err = run("tokens", "revoke", "robot")
    assert (code, err.strip()) == (2, "Several people have a token named robot: write one of otto/robot, robot/robot.")
    assert run("tokens", "revoke", "robot/robot")[:2] == (0, "The token robot of robot was revoked.\n")
    assert run("tokens", "revoke", "robot")[0] == 0
    code, _, err = run("tokens", "revoke", "robot")
    assert (code, err.strip()) == (2, 'There is no token "robot".')
