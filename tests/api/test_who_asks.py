"""Who asks the REST API: a token, or the session of a browser with its CSRF token."""

from dataclasses import replace

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.utils import timezone

from api.security import Session, Token, request_id
from provisioning.accounts.rules.factors import CONFIRMED_FOR
from provisioning.accounts.rules.tokens import Draft
from provisioning.accounts.services.service_accounts import make_service_token
from provisioning.accounts.services.tokens import make_token
from provisioning.core.permissions import ACCEPT_LOSS, CONFIGURE, USERS, actor_of
from provisioning.errors import NotAllowed, NotSignedIn
from provisioning.models import ApiToken
from provisioning.states import Role
from provisioning.web.sessions import CONFIRMED, FACTOR_FROM, MUST_CHANGE
from tests import factories

pytestmark = pytest.mark.django_db
UUID = "7d444840-9dc0-11d1-b245-5ffdce74fad2"


def made(**fields):
    return make_service_token(actor=factories.ADMINISTRATOR, draft=Draft(name="robot", roles=["Operator"], **fields))[1]


def asked(text, method="GET", **headers):
    return RequestFactory().generic(method, "/api/v1/status", headers={"Authorization": text, **headers})


def test_a_token_acts_as_its_owner_wherever_the_request_is_looked_at():
    request = asked(f"Bearer {made()}", **{"X-Request-ID": UUID})
    actor = Token()(request)
    assert (actor.name, actor.token, actor.request_id) == ("robot", "robot", UUID)
    assert actor_of(request) is actor


def test_without_one_or_with_another_scheme_nobody_has_asked():
    for text in ("", "Basic YTpi"):
        assert Token()(asked(text)) is None
    with pytest.raises(NotSignedIn):
        Token()(asked("Bearer pw_nonsense"))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_one_that_only_reads_is_refused_every_method_that_changes_something(method):
    text = made(read_only=True)
    assert Token()(asked(f"Bearer {text}")).read_only
    with pytest.raises(NotAllowed, match="This token only reads"):
        Token()(asked(f"Bearer {text}", method))


def test_an_owner_without_a_role_sees_nothing():
    text = made()
    ApiToken.objects.get().owner.groups.clear()
    with pytest.raises(NotAllowed, match="Your role does not let you"):
        Token()(asked(f"Bearer {text}"))


@pytest.fixture
def session():
    client = Client()
    client.force_login(factories.make_user("otto", roles=(Role.OPERATOR,)))
    return client


def of(client, method="GET", **headers):
    """A request with the session of ``client``."""
    request = RequestFactory().generic(method, "/api/v1/status", headers=headers)
    request.COOKIES = {name: each.value for name, each in client.cookies.items()}
    request.session, request.user = client.session, factories.User.objects.get(username="otto")
    return request


def test_a_session_reads_and_needs_its_csrf_token_to_change_something(session):
    assert Session()(of(session)).name == "otto"
    with pytest.raises(NotAllowed, match="CSRF token"):
        Session()(of(session, "POST"))
    session.cookies[settings.CSRF_COOKIE_NAME] = "c" * 32
    assert Session()(of(session, "POST", **{"X-CSRFToken": "c" * 32})).name == "otto"


def test_without_a_session_nobody_has_asked_and_a_password_for_one_sign_in_is_not_enough(session):
    bare = RequestFactory().post("/api/v1/status")
    assert Session()(bare) is None
    request = of(session)
    request.session[MUST_CHANGE] = True
    with pytest.raises(NotSignedIn, match="Choose another one"):
        Session()(request)


def test_a_session_does_what_is_dangerous_only_after_its_user_has_shown_anew_who_it_is(session):
    otto = factories.User.objects.get(username="otto")
    otto.set_password("of otto")
    otto.save()
    session.force_login(otto)
    session.cookies[settings.CSRF_COOKIE_NAME] = "c" * 32
    request = of(session, "POST", **{"X-CSRFToken": "c" * 32})
    Session()(request).require_confirmed()
    request.session[CONFIRMED] = (timezone.now() - CONFIRMED_FOR).isoformat()
    actor = replace(Session()(request), roles=frozenset({Role.ADMINISTRATOR}))
    for dangerous in (lambda: actor.require(USERS), lambda: actor.require(ACCEPT_LOSS),
                      lambda: make_service_token(actor=actor, draft=Draft(name="robot", roles=["Operator"])),
                      lambda: make_token(actor=actor, owner=otto, draft=Draft(name="mine", roles=["Operator"]))):
        with pytest.raises(NotAllowed, match="show anew who you are"):
            dangerous()
    actor.require(CONFIGURE)
    assert actor.may(USERS)


def test_a_session_of_whom_a_second_factor_is_required_sets_it_up_first(session):
    request = of(session)
    request.session[FACTOR_FROM] = timezone.now().isoformat()
    with pytest.raises(NotSignedIn, match="second factor is required"):
        Session()(request)


def test_an_id_of_a_request_is_taken_if_it_is_one():
    assert request_id(asked("", **{"X-Request-ID": UUID})) == UUID
    other = request_id(asked("", **{"X-Request-ID": "<script>"}))
    assert len(other) == 36
    assert "<" not in other


def test_the_description_of_the_api_names_no_port():
    assert Session().openapi_security_schema["name"] == "pairwise_session"
