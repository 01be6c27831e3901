"""Second factors that are required: of whom, and from when."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.utils import timezone

from provisioning.accounts.rules import factors as rules
from provisioning.accounts.rules.factors import GRACE, FactorFacts
from provisioning.accounts.services import factors, ways_in
from provisioning.errors import Conflict, Refused
from provisioning.models import Console, HistoryEntry
from provisioning.states import FactorsOf
from provisioning.web.sessions import FACTOR_FROM
from tests.provisioning.sign_ins import SCRIPT, by, code_of, dialog, sign_in

pytestmark = pytest.mark.django_db


def facts(**changes):
    return FactorFacts(**{"roles": frozenset({"Operator"}), "source": "", "has_factor": False,
                          "since": timezone.now() - timedelta(days=100), **changes})


@pytest.mark.parametrize(("factors_of", "changes", "required"), [
    (FactorsOf.NOBODY, {}, False), (FactorsOf.ALL, {}, True), (FactorsOf.ADMINISTRATORS, {}, False),
    (FactorsOf.ADMINISTRATORS, {"roles": frozenset({"Administrator"})}, True),
    (FactorsOf.ALL, {"source": "oidc"}, False), (FactorsOf.ALL, {"source": "ldap"}, True),
])
def test_of_whom_a_second_factor_is_required(factors_of, changes, required):
    since = timezone.now()
    assert rules.is_required(factors_of, facts(**changes)) is required
    at = rules.required_from(factors_of, since, facts(**changes))
    assert at == (since + GRACE if required else None)
    assert rules.required_from(factors_of, since, facts(**changes, has_factor=True)) is None


def test_who_is_new_has_the_same_days(db):
    made = timezone.now()
    assert rules.required_from(FactorsOf.ALL, made - timedelta(days=30), facts(since=made)) == made + GRACE


def test_before_the_days_are_over_everything_goes_on_and_the_account_says_until_when(ada, otto):
    ways_in.require_factors(actor=by(ada), factors_of=FactorsOf.ALL)
    client, _ = sign_in()
    assert client.get("/operations/jobs/").status_code == 200
    assert "A second factor is required of you." in client.get("/account/").text


def test_who_chooses_what_somebody_else_has_changed_meanwhile_is_told(ada):
    ways_in.require_factors(actor=by(ada), factors_of=FactorsOf.ALL)
    with pytest.raises(Conflict, match="Somebody else chose"):
        ways_in.require_factors(actor=by(ada), factors_of=FactorsOf.ADMINISTRATORS, seen=FactorsOf.NOBODY)
    assert Console.objects.get().factors_of == FactorsOf.ALL


def test_after_them_nothing_goes_on_before_a_factor_is_set_up(ada, otto):
    ways_in.require_factors(actor=by(ada), factors_of=FactorsOf.ALL)
    Console.objects.update(factors_since=timezone.now() - GRACE)
    User.objects.update(date_joined=timezone.now() - timedelta(days=60))
    client, _ = sign_in()
    assert client.get("/operations/jobs/")["Location"] == "/account/"
    assert client.get("/operations/jobs/", headers=SCRIPT | {"HX-Current-URL": "http://testserver/"}).status_code == 403
    assert client.post("/provisioning/environment/hosts/new/").status_code == 403
    sealed, secret = dialog(client, "app")
    client.post("/account/factors/app/", {"sealed": sealed, "code": code_of(secret)})
    assert client.get("/operations/jobs/").status_code == 200
    with pytest.raises(Refused, match="required of you"):
        factors.remove_factor(actor=by(otto), factor_id=Authenticator.objects.get(type="totp").pk)


def test_a_session_from_before_is_stopped_when_the_days_are_over(otto):
    client, _ = sign_in()
    session = client.session
    session[FACTOR_FROM] = (timezone.now() - timedelta(minutes=1)).isoformat()
    session.save()
    assert client.get("/operations/jobs/")["Location"] == "/account/"


def test_an_administrator_says_of_whom_it_is_required_and_history_has_it(administrator):
    address = "/provisioning/accounts/sign-in/factors/"
    answer = administrator.post(address, {"factors_of": "administrators"}, follow=True)
    assert "Administrators" in answer.text
    assert HistoryEntry.objects.order_by("-number")[0].reason == (
        "Second factor required for: Administrators (before: Nobody).")
    assert administrator.post(address, {"factors_of": "x"}).status_code == 422
