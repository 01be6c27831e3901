"""A random passcode for a client, and the entry that keeps it as a hash."""

import json

import pytest
from django.urls import reverse

from protocol.client_logins import opens
from tests.commands import run


def test_the_command_prints_a_passcode_and_the_entry_that_it_opens():
    code, out, _ = run("passcode", "ann")
    passcode, entry = (line.split(": ", 1)[1] for line in out.splitlines())
    login, _, kept = entry.partition(" = ")
    assert (code, login) == (0, "ann")
    assert opens(kept, passcode)
    assert passcode not in entry


def test_each_is_another_one_and_programs_read_it_as_json():
    one, other = (json.loads(run("passcode", "--json")[1]) for _ in range(2))
    assert opens(one["entry"], one["passcode"])
    assert one["passcode"] != other["passcode"]


def test_no_client_gets_a_login_of_the_console():
    code, out, err = run("passcode", "Pairwise.console")
    assert (code, out) == (2, "")
    assert "the console's own" in err


@pytest.mark.django_db
def test_what_a_script_puts_into_the_options_is_offered_beside_them_alone(administrator):
    address, sent = reverse("application-passcode"), {"login": "billing"}
    beside = administrator.post(address, sent, headers={"HX-Request": "true"})
    alone = administrator.post(address, sent)
    assert ("data-put-option" in beside.text, "data-put-option" in alone.text) == (True, False)
    assert "{sha256}" in alone.text
