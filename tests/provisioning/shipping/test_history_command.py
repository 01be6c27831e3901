"""manage.py history prints entries as targets get them."""

import json

import pytest

from provisioning.history import history
from provisioning.management.commands import history as command
from tests import factories
from tests.commands import run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]


@pytest.fixture
def five():
    row = factories.make_host("edge1")
    for number in range(5):
        history.record_verb(actor=factories.ADMINISTRATOR, row=row, reason=f"Did {number}\nso.")


def numbers(out):
    return [json.loads(line)["number"] for line in out.splitlines()]


def test_the_newest_ones_come_oldest_first(five):
    assert numbers(run("history", "--json", "--limit", "2")[1]) == [4, 5]
    code, out, _ = run("history")
    assert code == 0
    assert len(out.splitlines()) == 5
    assert out.splitlines()[0].endswith("Z ada, host edge1 from 192.0.2.7: Did 0\\nso.")


def test_all_that_follow_a_number_come(five, monkeypatch):
    monkeypatch.setattr(command, "AT_ONCE", 2)
    assert numbers(run("history", "--json", "--after", "0", "--limit", "1")[1]) == [1, 2, 3, 4, 5]
    assert run("history", "--after", "5")[1] == ""


def test_whoever_follows_sees_what_comes_until_he_interrupts(five, monkeypatch):
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) > 1:
            raise KeyboardInterrupt
        history.record_verb(actor=factories.ADMINISTRATOR, row=factories.make_host("edge2"), reason="Later.")

    monkeypatch.setattr(command.time, "sleep", sleep)
    code, out, _ = run("history", "--json", "--follow", "--limit", "0")
    assert (code, numbers(out)) == (130, [6])


@pytest.mark.parametrize("wrong", [("--limit", "-1"), ("--limit", "9999999"), ("--after", "-1")])
def test_what_cannot_be_is_refused(wrong):
    assert run("history", *wrong)[0] == 2
