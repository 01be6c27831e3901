"""The description of the API holds: schemathesis asks every operation what it allows and what it does not, as somebody
of each role, with a token that only reads, and as nobody. No answer is a fault, has a status that is not described, or
is not of the form that is described; and what reads changes nothing."""

from contextlib import nullcontext

import pytest
import schemathesis
from django.conf import settings as console
from django.test.client import ClientHandler
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.operations import value_of
from tests.provisioning.walk import NO_ROLE, NOBODY, PEOPLE, forgotten, no_change

pytestmark = pytest.mark.django_db
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
READER = "reads only"
OTHERS = (NOBODY, NO_ROLE, PEOPLE[2], PEOPLE[3], READER)
OF_OUR_OWN = {"generation": {"with-security-parameters": False}}
"""Who asks is said here, and not made up."""
UNANSWERED = 503
"""Control is away while the tests run, and says so."""
STRANGE = ("0", "99999999", "9" * 30, "nothing", "ä b", "%", "..", "a\x00b", "-1")
LONG, LONG_OTHERS = 8, 2


handler = ClientHandler(enforce_csrf_checks=False)


def in_the_transaction(environ, start_response):
    """The console as a WSGI application that closes no connection after a request."""
    answer = handler(environ)
    start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.items()))
    return [answer.getvalue() if answer.streaming else answer.content]


@pytest.fixture(scope="module")
def described():
    # Here and not above: each worker collects this, and one has a use for all of the API.
    from api.root import api

    load_all_checks()
    found = schemathesis.openapi.from_dict(api.get_openapi_schema(), config=SchemathesisConfig.from_dict(OF_OUR_OWN))
    found.app = in_the_transaction
    return [each.ok() for each in found.get_all_operations()]


def ask(world, operation, case, who: str) -> None:
    headers, cookies = {}, {}
    if who == READER:
        headers["Authorization"] = f"Bearer {world.reader.token}"
    elif who != NOBODY:
        cookies[console.SESSION_COOKIE_NAME] = world.sessions[who]
    changes = nullcontext() if case.method.lower() != "get" else no_change()
    with forgotten(), changes:
        answer = case.call(headers=headers, cookies=cookies, app=operation.schema.app)
    told = f"{who}: {answer.status_code} {answer.content[:500]!r}"
    assert answer.status_code < 500 or answer.status_code == UNANSWERED, told
    if who == NOBODY:
        assert answer.status_code == 401, told
    case.validate_response(answer, checks=CHECKS)


def look(world, operation, who: str, examples: int, mode: GenerationMode, *, there: bool) -> None:
    """``there``: what the address names is there, else something that is not, or cannot be."""
    names = [each.name for each in operation.path_parameters]
    strategy = operation.as_strategy(generation_mode=mode)

    @settings(max_examples=examples, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(case=strategy, odd=st.sampled_from(STRANGE))
    def each(case, odd):
        for name in names:
            case.path_parameters[name] = value_of(operation.path, name, world) if there else odd
        ask(world, operation, case, who)

    each()


def test_the_description_holds(world, described):
    """Of some operations; the others are in the long part."""
    for operation in described[::9]:
        look(world, operation, PEOPLE[-1], 2, GenerationMode.POSITIVE, there=True)
        look(world, operation, PEOPLE[-1], 1, GenerationMode.NEGATIVE, there=True)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_description_holds_whatever_is_sent(world, described):
    for operation in described:
        for there in (True, False) if operation.path_parameters else (True,):
            look(world, operation, PEOPLE[-1], LONG, GenerationMode.POSITIVE, there=there)
            look(world, operation, PEOPLE[-1], LONG, GenerationMode.NEGATIVE, there=there)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_description_holds_whoever_asks(world, described):
    for operation in described:
        for who in OTHERS:
            look(world, operation, who, LONG_OTHERS, GenerationMode.POSITIVE, there=True)
