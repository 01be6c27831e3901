"""Pages of API tokens: one's own, and all of them for Administrators."""

import html
import re

import pytest
from django.utils import timezone

from provisioning.accounts.rules.tokens import SOON, Draft
from provisioning.accounts.services.service_accounts import make_service_token
from provisioning.accounts.services.tokens import actor_of_token, make_token
from provisioning.models import ApiToken, HistoryEntry
from provisioning.states import Role
from tests import factories
from tests.html import flat
from tests.provisioning.posted import script
from tests.provisioning.sign_ins import by

pytestmark = pytest.mark.django_db
OWN, ALL = "/account/tokens/", "/provisioning/accounts/tokens/"
TYPED = {"name": "nightly", "scope": "api", "roles": ["Operator"], "expires": "30"}


def shown_token(answer):
    return re.search(r'id="new-token"[^>]*><code>([^<]+)</code>', answer.text)[1]


@pytest.fixture
def operator(client, otto):
    client.force_login(otto)
    return client


def test_it_is_shown_once_and_lets_a_program_in(operator):
    answer = operator.post(f"{OWN}new/", TYPED, headers=script())
    text = shown_token(answer)
    assert "no-store" in answer["Cache-Control"]
    assert actor_of_token(text, address="192.0.2.1").roles == {"Operator"}
    for address in (OWN, f"{OWN}{ApiToken.objects.get().pk}/", "/operations/history/"):
        assert text.rpartition("_")[2] not in operator.get(address).text
    page = flat(operator.get(OWN))
    for words in ("nightly", f"pw_{ApiToken.objects.get().key}…", "Operator", "Good", "from 192.0.2.1"):
        assert words in page


def test_roles_are_offered_that_the_owner_has(operator):
    page = operator.get(f"{OWN}new/").text
    assert re.findall(r'name="roles"[^>]*value="(\w+)"', page) == ["Operator"]
    assert "never" not in re.findall(r'<option value="(\w+)"', page)
    refused = operator.post(f"{OWN}new/", TYPED | {"roles": ["Administrator"]}, headers=script())
    assert refused.status_code == 422
    assert "is no role that this token can have" in flat(refused)
    assert operator.post(f"{OWN}new/", TYPED | {"expires": "never"}, headers=script()).status_code == 422
    assert not ApiToken.objects.exists()


def test_what_is_refused_stands_beside_its_field(operator):
    operator.post(f"{OWN}new/", TYPED, headers=script())
    answer = operator.post(f"{OWN}new/", TYPED | {"networks": "nonsense"}, headers=script())
    assert answer.status_code == 422
    text = html.unescape(flat(answer))
    assert "There is a token named nightly already." in text
    assert "Write them as 10.0.0.0/8, 192.0.2.7." in text
    assert 'id="id_networks_error"' in answer.text


def test_it_is_changed_disabled_and_revoked(operator, otto):
    row, _ = make_token(actor=by(otto), owner=otto, draft=Draft(name="nightly", roles=["Operator"]))
    sent = {"description": "Reports.", "networks": "192.0.2.0/24", "revision": row.revision}
    assert operator.post(f"{OWN}{row.pk}/", sent)["Location"] == OWN
    stored = ApiToken.objects.get()
    assert (stored.description, stored.networks, stored.enabled) == ("Reports.", "192.0.2.0/24", False)
    again = operator.post(f"{OWN}{row.pk}/", sent, headers=script())
    assert (again.status_code, "saved this token" in flat(again)) == (409, True)
    assert "cannot be had back" in flat(operator.get(f"{OWN}{row.pk}/revoke/"))
    assert operator.post(f"{OWN}{row.pk}/revoke/")["Location"] == OWN
    assert not ApiToken.objects.exists()
    assert operator.get(f"{OWN}{row.pk}/").status_code == 404
    assert HistoryEntry.objects.filter(object_type="api_token").count() == 3


def test_nobody_else_but_an_administrator_sees_it(operator, otto):
    ada = factories.make_user("ada2", roles=(Role.ADMINISTRATOR,))
    row, _ = make_token(actor=by(ada), owner=ada, draft=Draft(name="hers", roles=["Administrator"]))
    assert "hers" not in operator.get(OWN).text
    for address in (ALL, f"{OWN}{row.pk}/", f"{OWN}{row.pk}/revoke/"):
        assert operator.get(address).status_code == 403
    operator.force_login(ada)
    own, _ = make_token(actor=by(otto), owner=otto, draft=Draft(name="nightly", roles=["Operator"]))
    page = flat(operator.get(ALL))
    assert "hers" in page
    assert "nightly" in page
    assert operator.post(f"{OWN}{own.pk}/revoke/")["Location"] == ALL


def test_an_administrator_makes_service_accounts_and_further_tokens_of_them(administrator):
    answer = administrator.post(f"{ALL}new/", TYPED | {"name": "robot"}, headers=script())
    actor = actor_of_token(shown_token(answer), address="192.0.2.1")
    assert (actor.name, actor.roles) == ("robot", {"Operator"})
    page = f"/provisioning/accounts/users/{actor.user_id}/"
    text = flat(administrator.get(page))
    assert "service account: API tokens only" in text
    assert "A service account has no password" in html.unescape(text)
    second = administrator.post(f"{page}token/", TYPED | {"name": "robot-2"}, headers=script())
    assert actor_of_token(shown_token(second), address="192.0.2.1").name == "robot"
    assert "A service account has no password" in administrator.post(f"{page}reset/", headers=script()).text


def test_the_list_is_filtered_by_owner_and_state(administrator, otto):
    make_service_token(actor=factories.ADMINISTRATOR, draft=Draft(name="robot", roles=["Operator"]))
    make_token(actor=by(otto), owner=otto, draft=Draft(name="nightly", roles=["Operator"]))
    ApiToken.objects.filter(name="nightly").update(expires_at=timezone.now() + SOON / 2)

    def names(query):
        return set(re.findall(r'aria-label="Edit ([\w-]+)"', administrator.get(f"{ALL}?{query}").text))

    assert names("") == {"robot", "nightly"}
    assert [names(f"owner={each}") for each in ("service", "person")] == [{"robot"}, {"nightly"}]
    assert [names(f"state={each}") for each in ("good", "soon", "expired", "disabled")] == [
        {"robot"}, {"nightly"}, set(), set()]
    assert names("text=OTTO") == {"nightly"}
    ApiToken.objects.filter(name="nightly").update(expires_at=timezone.now())
    type(otto).objects.filter(username="robot").update(is_active=False)
    assert [names(f"state={each}") for each in ("good", "soon", "expired", "disabled")] == [
        set(), set(), {"nightly"}, {"robot"}]
