"""The Browse dialogs, and the dialogs of a port and of a connection."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from provisioning.models import Application, ApplicationTemplate
from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST, form_of, port_row, script

pytestmark = pytest.mark.django_db
APD = b"""[template]
name = Message_Server_9
type = MessageServer
version = 9.0.0
format = 1

[port:default]
port = 7001
protocol = stomp
"""
PORT = {"info-port_id": "default", "info-port": "7001", "info-protocol": "stomp", "info-listening_mode": "unsecured"}


@pytest.mark.parametrize("kind", ["templates", "hosts", "applications"])
def test_a_dialog_for_a_script_a_page_otherwise(support, kind):
    assert "<html" in flat(support.get(f"/browse/{kind}/"))
    fragment = flat(support.get(f"/browse/{kind}/", headers=script()))
    assert "<html" not in fragment
    assert 'role="listbox"' in fragment


def test_the_filter_answers_with_the_list_alone(support):
    factories.make_host("east")
    factories.make_host("west")
    text = flat(support.get("/browse/hosts/?q=EAS", headers=script("browse-results")))
    assert "east" in text
    assert "west" not in text
    assert "listbox" not in text


def test_a_filter_without_hits_says_so(support):
    text = flat(support.get("/browse/hosts/?q=zzz", headers=script("browse-results")))
    assert "Nothing has “zzz” in its name." in text


def test_disabled_templates_are_not_offered(support):
    factories.make_template("Old", enabled=False)
    assert "Old" not in flat(support.get("/browse/templates/", headers=script()))


def test_a_backup_is_offered_of_the_same_type_and_never_itself(support):
    one, two = factories.make_application("MS_One"), factories.make_application("MS_Two")
    other = factories.make_template("Other", type="SCS", ports=[])
    factories.make_application("SCS", template=other)
    text = flat(support.get(f"/browse/applications/?field=backup_server_id&type=MessageServer&but={one.pk}",
                            headers=script()))
    assert f'data-key="{two.pk}"' in text
    assert "SCS" not in text
    assert 'data-name="MS_One"' not in text


def test_a_long_list_is_cut_and_says_so(support):
    ApplicationTemplate.objects.bulk_create(
        ApplicationTemplate(name=f"T{number:03d}", type="MessageServer", version="1") for number in range(201))
    text = flat(support.get("/browse/templates/", headers=script()))
    assert "200 of 201. Scroll on for the next ones, or type part of the name." in text
    assert "T200" not in text


def test_a_template_is_imported_in_the_dialog_and_chosen(administrator):
    file = SimpleUploadedFile("Message_Server_9.0.0.apd", APD)
    answer = administrator.post("/browse/templates/import/", {"file": file}, headers=script())
    row = ApplicationTemplate.objects.get(name="Message_Server_9")
    assert f'data-imported="{row.pk}"' in flat(answer)
    assert f'data-key="{row.pk}" data-name="Message_Server_9" aria-selected="true"' in flat(answer)


@pytest.mark.parametrize(("name", "content", "sentence"), [
    ("a.apd", b"[template]\nname = \n", "cannot be imported"), ("a.txt", APD, "ends in .apd"), ("a.apd", b"", "empty"),
])
def test_a_file_that_is_no_template_is_refused_in_place(administrator, name, content, sentence):
    file = SimpleUploadedFile(name, content)
    answer = administrator.post("/browse/templates/import/", {"file": file}, headers=script())
    assert answer.status_code == 422
    assert sentence in flat(answer)
    assert not ApplicationTemplate.objects.exists()


def test_support_may_not_import(support):
    assert "Your role does not let you import" in flat(support.get("/browse/templates/", headers=script()))
    file = SimpleUploadedFile("a.apd", APD)
    assert support.post("/browse/templates/import/", {"file": file}, headers=script()).status_code == 403


# --- Port Info
def test_port_info_opens_empty_for_the_first_port(administrator):
    text = flat(administrator.post("/browse/port-info/", {**form_of(), "step": "ports-add"}, headers=script()))
    for label in ("ID", "Port", "Connection Protocol", "HA Sync", "Listening Mode", "Unsecured", "Secured",
                  "Transport Parameters", "Description", "Application Parameters"):
        assert label in text, label
    assert 'value="default"' in text
    for missing in ("Auto Detect", "addp"):
        assert missing not in text, missing


def test_port_info_of_a_further_port_leaves_the_id_open(administrator):
    sent = {**form_of(ports=[port_row()]), "step": "ports-add"}
    assert 'value="default"' not in flat(administrator.post("/browse/port-info/", sent, headers=script()))


def test_port_info_opens_with_the_values_of_a_row(administrator):
    sent = {**form_of(ports=[port_row(token="ab", port=7345)]), "step": "ports-edit:ab"}
    text = flat(administrator.post("/browse/port-info/", sent, headers=script()))
    assert 'value="7345"' in text
    assert 'name="token" value="ab"' in text


def test_ok_puts_a_row_at_the_end_and_stores_nothing(administrator):
    answer = administrator.post("/browse/port-info/", {**form_of(), **PORT, "token": "", "ok": "1"}, headers=script())
    assert answer["HX-Retarget"] == "#ports tbody"
    assert answer["HX-Reswap"] == "beforeend"
    assert answer["HX-Trigger-After-Swap"] == "dialog-close"
    assert 'name="ports"' in flat(answer)
    assert not Application.objects.exists()


def test_ok_on_a_row_replaces_it(administrator):
    sent = {**form_of(ports=[port_row(token="ab")]), **PORT, "info-port": "7009", "token": "ab", "ok": "1"}
    answer = administrator.post("/browse/port-info/", sent, headers=script())
    assert answer["HX-Retarget"] == "#row-ab"
    assert "7009" in flat(answer)


def test_a_clash_with_another_application_is_said_while_typing_with_a_link(administrator):
    host = factories.make_host("ms-host")
    other = factories.make_application("Other", host=host, ports={"default": 7001})
    sent = {**form_of(host_id=host.pk), **PORT, "token": "", "ok": "1"}
    checked = flat(administrator.post("/browse/port-info/", {**sent, "check": "1"}, headers=script()))
    assert 'id="id_info-port_error"' in checked
    assert f'<a href="{LIST}{other.pk}/">Other</a>' in checked
    refused = administrator.post("/browse/port-info/", sent, headers=script())
    assert refused.status_code == 422
    assert "Other" in flat(refused)


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("port", "many", "Port must be a whole number."), ("port", "70000", "65535"), ("port_id", "", "ID is required"),
    ("transport_parameters", "tls = 1", "blank"), ("application_parameters", "x", "="),
])
def test_wrong_values_stay_in_the_dialog(administrator, field, value, sentence):
    sent = {**form_of(template_id=factories.make_template().pk), **PORT, f"info-{field}": value, "token": "", "ok": "1"}
    answer = administrator.post("/browse/port-info/", sent, headers=script())
    assert answer.status_code == 422
    assert sentence in flat(answer)


def test_two_rows_with_one_id_are_refused_in_the_dialog(administrator):
    sent = {**form_of(ports=[port_row()]), **PORT, "info-port": "7009", "token": "", "ok": "1"}
    assert "used twice" in flat(administrator.post("/browse/port-info/", sent, headers=script()))


def test_support_cannot_open_port_info(support):
    assert support.post("/browse/port-info/", form_of(), headers=script()).status_code == 403


# --- Connection Info
def connected(client, port_id):
    """The answer to a connection to this port of a server that has the port default."""
    server = factories.make_application("Server", ports={"default": 7001})
    sent = {**form_of(), "info-server_id": server.pk, "info-port_id": port_id, "info-timeout_local": "7",
            "info-timeout_remote": "9", "info-trace_mode": "none", "token": "", "ok": "1"}
    return client.post("/browse/connection-info/", sent, headers=script())


def test_a_connection_is_put_into_the_list_with_the_name_of_its_server(administrator):
    answer = connected(administrator, "default")
    assert answer["HX-Retarget"] == "#connections tbody"
    assert "Server" in flat(answer)
    assert "7 / 9 s" in flat(answer)


def test_a_connection_to_a_port_that_is_not_there_is_refused(administrator):
    answer = connected(administrator, "nope")
    assert answer.status_code == 422
    assert "default" in flat(answer)


def test_names_are_offered_while_somebody_types_into_a_filter(support):
    for number in range(60):
        factories.make_host(f"Äpfel-{number}")
    factories.make_host("birnen")
    text = flat(support.get("/browse/names/hosts/?host=apfel", headers=script("names-of-hosts")))
    assert text.count('<option value="Äpfel-') == 50
    assert 'label="50 of 60 are listed. Type more of the name."' in text
    assert "birnen" not in text
    few = flat(support.get("/browse/names/hosts/?host=BIR", headers=script("names-of-hosts")))
    assert few.count("<option") == few.count('value="birnen"') == 1
    assert support.get("/browse/names/users/").status_code == 404


@pytest.mark.parametrize("address", [LIST, "/operations/jobs/", "/monitoring/events/", "/audit/"])
def test_a_host_out_of_any_number_is_chosen_by_typing(support, address):
    factories.make_host("east")
    text = flat(support.get(address, {"host": "eas"}))
    assert 'name="host" value="eas"' in text
    assert 'hx-get="/browse/names/hosts/"' in text
    assert '<datalist id="names-of-hosts">' in text


def test_what_comes_after_the_first_200_is_fetched_as_one_scrolls(support):
    for number in range(203):
        factories.make_host(f"host-{number:03d}", status=None)
    begin = flat(support.get("/browse/hosts/?field=host_id", headers=script()))
    assert "203 in all" in begin
    address = begin.split('id="browse-more"')[1].split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    rest = flat(support.get(address, headers=script("browse-more")))
    assert [f'data-name="host-{number}"' in rest for number in (199, 200, 202)] == [False, True, True]
    assert "browse-more" not in rest
    some = flat(support.get("/browse/hosts/?q=ST-00", headers=script("browse-results")))
    assert "10 of 203" in some


SERVERS = "/browse/servers/"


@pytest.fixture
def servers():
    template = factories.make_template()
    return Application.objects.bulk_create(
        Application(name=f"MS_{number}", type=template.type, version=template.version, template=template)
        for number in range(501))


def test_every_server_can_be_chosen_for_a_connection(administrator, servers):
    dialog = flat(administrator.post("/browse/connection-info/", {"step": "connections-add"}, headers=script()))
    assert dialog.count(">MS_") == 200
    assert "200 of 501 are listed. Type part of the name to find the others." in dialog
    assert f'hx-get="{SERVERS}"' in dialog
    found = flat(administrator.get(SERVERS, {"find-info-server_id": "ms_500"}, headers=script()))
    assert found.count("<option") == 1
    assert f'<option value="{servers[500].pk}">MS_500</option>' in found
    assert "1 of 501 has it in the name." in found
    none = flat(administrator.get(SERVERS, {"find-info-server_id": "zzz"}, headers=script()))
    assert "None of 501 has “zzz” in its name." in none


def test_more_servers_are_shown_when_asked_for(administrator, servers):
    first = flat(administrator.get(SERVERS, headers=script()))
    assert f'hx-get="{SERVERS}?most=400"' in first
    assert flat(administrator.get(SERVERS, {"most": "400"}, headers=script())).count("<option") == 400
    every = flat(administrator.get(SERVERS, {"most": "600"}, headers=script()))
    assert every.count("<option") == 501
    assert "501 in all." in every
    assert "most=" not in every


def test_the_chosen_server_stays_when_another_one_is_looked_for(administrator, servers):
    found = flat(administrator.get(SERVERS, {"find-info-server_id": "MS_7", "info-server_id": servers[500].pk},
                                   headers=script()))
    assert f'<option value="{servers[500].pk}" selected>MS_500</option>' in found


@pytest.mark.parametrize("most", ["", "0", "99999", "9" * 30, "x"])
def test_whatever_is_asked_for_is_bounded(administrator, servers, most):
    assert administrator.get(SERVERS, {"most": most}).status_code == 200


def test_every_server_can_be_chosen_without_scripts(administrator, servers):
    row = factories.make_application("Client", ports={"default": 7001})
    address = f"{LIST}{row.pk}/"
    sent = form_of(row, **{"step": "connections-find:", "find-info-server_id": "ms_500", "info-port_id": "other"})
    text = flat(administrator.post(address, sent))
    assert f'<option value="{servers[500].pk}">MS_500</option>' in text
    assert 'name="info-port_id" value="other"' in text
    text = flat(administrator.post(address, form_of(row, step="find", **{"find-backup_server_id": "ms_499"})))
    assert f'<option value="{servers[499].pk}">MS_499</option>' in text
    assert 'aria-label="Find Host by part of its name"' in text


def test_of_many_servers_every_one_can_be_meant_to_be_the_backup(support, servers):
    one = servers[0]
    guide = flat(support.get(f"/monitoring/pairs/{one.pk}/"))
    assert 'placeholder="Name of one of 500"' in guide
    names = flat(support.get("/browse/names/backups/", {"but": one.pk, "candidate": "ms_500"}, headers=script()))
    assert names.count("<option") == names.count('value="MS_500"') == 1
    chosen = support.get(f"/monitoring/pairs/{one.pk}/", {"candidate": "MS_500"})
    assert chosen.context["pair"].candidate == servers[500]
    wrong = flat(support.get(f"/monitoring/pairs/{one.pk}/", {"candidate": "MS_0"}))
    assert "No free server of this type is named MS_0." in wrong
