"""A form that is asked for by a script answers in the dialog; one whose address was opened is a page, and stays one."""

import pytest
from django.urls import reverse

from tests.provisioning.posted import script

pytestmark = pytest.mark.django_db
IN_DIALOG = 'hx-target="#dialog-content"'
FORMS = [("log-settings", ()), ("rule-new", ()), ("condition-new", ()), ("maintenance-new", ()), ("channel-new", ()),
         ("user-new", ()), ("search-new", ("log-list",))]


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
