"""What the tests of services and commands share."""

import pytest

from protocol.stomp_client import Dropped
from provisioning.core import refusals
from provisioning.hosts.services import enrolment
from provisioning.messages.selectors import line
from tests.factories import make_pair
from tests.web import start_web, web, web_environment

from .control_double import ControlDouble

__all__ = ["start_web", "web", "web_environment"]


@pytest.fixture
def control(settings):
    """A control that answers as the test says; the console is told where it is."""
    with ControlDouble() as double:
        settings.PAIRWISE_CONTROL_HOST, settings.PAIRWISE_CONTROL_PORT = "127.0.0.1", double.port
        yield double


@pytest.fixture
def no_control(closed_port, settings):
    settings.PAIRWISE_CONTROL_HOST, settings.PAIRWISE_CONTROL_PORT = "127.0.0.1", closed_port


@pytest.fixture(autouse=True)
def nobody_was_refused(monkeypatch):
    """Each test is a process of its own to the memory of whom the console refused."""
    monkeypatch.setattr(refusals, "bound", refusals.Bound())
    monkeypatch.setattr(enrolment, "attempts", enrolment.Attempts())


@pytest.fixture(autouse=True)
def nobody_serves(monkeypatch):
    """The addresses of made-up members are dialled by no test."""
    monkeypatch.setattr(line, "dialled", refuses)


async def refuses(target, **_):
    raise Dropped("Connection refused")


@pytest.fixture
def pair(db):
    return make_pair()
