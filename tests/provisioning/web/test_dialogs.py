"""A form that is asked for by a script answers in the dialog; one whose address was opened is a page, and stays one."""

import re

import pytest
from django.urls import reverse

from provisioning.models import AlarmCondition
from tests import factories
from tests.provisioning.posted import script

pytestmark = pytest.mark.django_db
IN_DIALOG = 'hx-target="#dialog-content"'
FORMS = [("log-settings", ()), ("rule-new", ()), ("condition-new", ()), ("maintenance-new", ()), ("channel-new", ()),
         ("shipping-new", ()), ("user-new", ()), ("search-new", ("log-list",))]


@pytest.mark.parametrize(("name", "args"), FORMS)
def test_what_is_wrong_is_said_where_the_form_is(administrator, name, args):
    address = reverse(name, args=args, query={"text": "lost"})
    by_script = administrator.post(address, {"application": "Nobody", "query": "text=lost"}, headers=script())
    assert (by_script.status_code, IN_DIALOG in by_script.content.decode()) == (422, True)
    assert "<body" not in by_script.content.decode()
    for page in (administrator.get(address), administrator.post(address, {"application": "Nobody",
                                                                          "query": "text=lost"})):
        form = page.content.decode().split('class="page-dialog"')[1].split("</form>")[0]
        assert IN_DIALOG not in form
        assert 'method="post" action="' in form


@pytest.mark.parametrize("role", ["support", "operator"])
@pytest.mark.parametrize("name", ["rule-edit", "channel-edit", "condition-edit", "shipping-edit"])
def test_who_may_not_change_it_reads_it_all_the_same(request, role, name):
    client = request.getfixturevalue(role)
    channel = factories.make_channel(fields={"url": "https://192.0.2.80/", "secret": "s3cret"})
    row = {"rule-edit": factories.make_rule(channel), "channel-edit": channel,
           "shipping-edit": factories.make_target(token="s3cret"),
           "condition-edit": AlarmCondition.objects.get(predefined="failover")}[name]
    address = reverse(name, args=[row.pk])
    body = client.get(address, headers=script()).content.decode()
    fields = [field for field in re.findall(r"<(?:input|select|textarea)[^>]*>", body) if 'type="hidden"' not in field]
    assert row.name in body
    assert len(fields) > 3
    assert all(" disabled" in field for field in fields)
    assert "Your role does not let you" in body
    assert "button-primary" not in body
    assert "s3cret" not in body
    assert client.post(address, {"name": "Another"}).status_code == 403
