"""Parts of the Application editor: rows by submit buttons, for those without scripts, and the tabs that only show."""

import pytest

from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST, form_of, script

from .editor import NEW, make

pytestmark = pytest.mark.django_db


# --- without scripts: rows by submit buttons
def test_add_ok_edit_and_remove_a_port_without_scripts(administrator):
    form = form_of(name="MS", template_id=factories.make_template().pk)
    opened = flat(administrator.post(NEW, {**form, "step": "ports-add"}))
    assert "<legend>Port Info</legend>" in opened
    info = {"info-port_id": "default", "info-port": "7001", "info-protocol": "stomp",
            "info-listening_mode": "unsecured"}
    editor = administrator.post(NEW, {**form, **info, "step": "ports-ok:"}).context["editor"]
    assert [row.values["port"] for row in editor.ports] == [7001]
    form["ports"] = [editor.ports[0].json]
    token = editor.ports[0].token
    assert 'value="7001"' in flat(administrator.post(NEW, {**form, "step": f"ports-edit:{token}"}))
    info["info-port"] = "7002"
    editor = administrator.post(NEW, {**form, **info, "step": f"ports-ok:{token}"}).context["editor"]
    assert [row.values["port"] for row in editor.ports] == [7002]
    assert administrator.post(NEW, {**form, "step": f"ports-remove:{token}"}).context["editor"].ports == []


def test_a_wrong_port_stays_open_without_scripts(administrator):
    info = {"info-port_id": "x", "info-port": "many", "step": "ports-ok:"}
    answer = administrator.post(NEW, {**form_of(name="MS"), **info})
    assert "Port must be a whole number." in flat(answer)
    assert answer.context["editor"].ports == []


# --- tabs
@pytest.mark.parametrize(("tab", "text"), [
    ("dependencies", "It connects to no other server."), ("history", "Created"), ("jobs", "Start"),
    ("log", "was started"),
])
def test_tabs_show_what_belongs_to_the_object(support, tab, text):
    row = make()
    factories.make_job(row)
    row.events.create(at=row.created_at, number=5022, text="MS was started (pid 7).")
    fragment = flat(support.get(f"{LIST}{row.pk}/tab/{tab}/", headers=script()))
    assert text in fragment
    assert "<html" not in fragment
    assert "<html" in flat(support.get(f"{LIST}{row.pk}/tab/{tab}/"))


def test_dependencies_are_shown_both_ways(support):
    server, client_row = factories.make_application("Server"), factories.make_application("Client")
    client_row.connections.create(server=server)
    assert "Client" in flat(support.get(f"{LIST}{server.pk}/tab/dependencies/", headers=script()))
    assert "Server" in flat(support.get(f"{LIST}{client_row.pk}/tab/dependencies/", headers=script()))


def test_an_unknown_tab_is_404(support):
    assert support.get(f"{LIST}{make().pk}/tab/secrets/").status_code == 404
