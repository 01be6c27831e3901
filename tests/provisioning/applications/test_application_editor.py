"""The editor of a stored application, also when somebody else saved in between."""

import pytest

from provisioning.applications.selectors.applications import get_application
from provisioning.applications.services import applications as services
from provisioning.models import Application
from provisioning.models.applications import MASK
from provisioning.states import ApplicationStatus
from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST, form_of, port_row

from .editor import NEW, make, said

pytestmark = pytest.mark.django_db


def test_save_changes_what_was_changed_and_nothing_else(administrator):
    row = make(options={"clients": {"bench": "benchpass"}}, ports=(factories.port(),))
    administrator.post(f"{LIST}{row.pk}/", form_of(row, description="Line 7", auto_restart=True, after="stay"))
    row = get_application(row.pk)
    assert (row.description, row.auto_restart, row.revision) == ("Line 7", True, 2)
    assert row.options_dict(masked=False) == {"clients": {"bench": "benchpass"}}
    assert [port.port for port in row.ports.all()] == [7001]


def test_a_secret_is_shown_as_its_mask_only(administrator):
    row = make(options={"clients": {"bench": "benchpass"}})
    text = flat(administrator.get(f"{LIST}{row.pk}/"))
    assert "benchpass" not in text
    assert MASK in text


def test_a_secret_that_is_partly_overwritten_is_refused(administrator):
    row = make(options={"clients": {"bench": "benchpass"}})
    answer = administrator.post(f"{LIST}{row.pk}/", form_of(row, option_value=[f"{MASK}x"], after="stay"))
    assert answer.status_code == 422
    assert "mixes the mask with new text" in flat(answer)


def test_the_template_of_a_stored_application_stays(administrator):
    row, other = make(), factories.make_template("Other", ports=[])
    administrator.post(f"{LIST}{row.pk}/", form_of(row, template_id=other.pk, description="x", after="stay"))
    assert get_application(row.pk).template.name == "Message_Server"


def test_the_backup_says_whose_backup_it_is(administrator):
    backup = factories.make_application("MS_Backup")
    primary = factories.make_application("MS_Primary", backup_server=backup)
    assert f'No, it is the backup of <a href="{LIST}{primary.pk}/">MS_Primary</a>' in flat(
        administrator.get(f"{LIST}{backup.pk}/"))


def test_support_sees_the_editor_closed_and_why(support):
    row = make()
    text = flat(support.get(f"{LIST}{row.pk}/"))
    assert "Ask for the role Administrator. You can look at everything here." in text
    assert '<fieldset class="plain" disabled>' in text
    assert support.post(f"{LIST}{row.pk}/", form_of(row, description="x")).status_code == 403


def test_an_application_that_is_gone_is_404_with_a_sentence(administrator):
    answer = administrator.get(f"{LIST}4711/")
    assert answer.status_code == 404
    assert "does not exist any more" in flat(answer)


def test_a_server_without_a_host_is_refused_beside_host(administrator):
    answer = administrator.post(NEW, form_of(name="MS", template_id=factories.make_template().pk, after="close"))
    assert answer.status_code == 422
    assert 'data-goto="id_host_id"' in flat(answer)
    assert "Host is required for a server." in flat(answer)
    assert Application.objects.count() == 0


def test_what_is_no_server_is_not_asked_for_a_host(administrator):
    template = factories.make_template("Of_Clients", type="GenericClient", options={}, ports=[])
    stars = flat(administrator.get(f"{NEW}?template={template.pk}")).count('title="required"')
    assert stars == 2
    answer = administrator.post(NEW, form_of(
        name="Client", template_id=template.pk, working_directory="", command_line="", after="close"))
    assert answer.status_code == 302
    assert "None" not in said(answer)
    assert "Pairwise keeps the configuration of Client, and installs and starts Message Servers only." in said(answer)


@pytest.mark.parametrize(("kind", "offered"), [("MessageServer", True), ("SCS", False), ("GenericServer", False)])
def test_install_is_offered_next_for_what_can_be_installed(administrator, kind, offered):
    host = factories.make_host()
    template = factories.make_template(f"Of_{kind}", type=kind, options={}, ports=[])
    answer = administrator.post(NEW, form_of(name="New", template_id=template.pk, host_id=host.pk, after="close"))
    assert answer.status_code == 302
    assert ("Install</a>" in said(answer), "installs and starts Message Servers only" in said(answer)) == (
        offered, not offered)


def test_everything_that_stands_against_a_save_is_said_at_once(administrator):
    host = factories.make_host()
    other = factories.make_application("Other", host=host, ports={"default": 7001})
    template = factories.make_template(name="With_Values", options={
        "a": {"k": {"value": "1", "help": "", "valid": "1-9"}}})
    answer = administrator.post(NEW, form_of(
        name="Other", template_id=template.pk, host_id=host.pk, startup_timeout="soon", working_directory="srv",
        ports=[port_row("a1", port="many", ha_sync=True), port_row("b2", port_id="second", port=7001)],
        option_section=["a", "a", "x"], option_key=["k", "", "y"], option_value=["10", "z", "1"],
        filled_from=template.pk, after="close"))
    summary = [(label, place) for label, _, place, _ in answer.context["editor"].summary]
    assert summary == [
        ("Startup Timeout", "id_startup_timeout"), ("Listening Port 1", "row-a1"), ("[a] ", "option-1"),
        ("Name", "id_name"), ("Working Directory", "id_working_directory"), ("Listening Port 2", "row-b2"),
        ("[a] k", "option-0")]
    assert f'by <a href="{LIST}{other.pk}/">Other</a>' in flat(answer)


def test_what_is_wrong_in_one_row_is_not_held_against_the_whole(administrator):
    primary, _ = factories.make_pair(status=None)
    form = form_of(primary, after="stay")
    form["ports"] = [port_row("a1"), port_row("b2", port_id="sync", port="many", protocol="sync", ha_sync=True)]
    answer = administrator.post(f"{LIST}{primary.pk}/", form)
    assert [place for _, _, place, _ in answer.context["editor"].summary] == ["row-b2"]


def test_option_that_the_server_ignores_is_saved_with_a_hint(administrator):
    row = make()
    form = form_of(row, after="stay", option_section=["log"], option_key=["verbos"], option_value=["all"])
    answer = administrator.post(f"{LIST}{row.pk}/", form)
    assert "The server knows no verbos in section [log] and ignores it. Did you mean verbose?" in said(answer)
    assert "Did you mean verbose?" in flat(administrator.get(f"{LIST}{row.pk}/"))


def test_value_that_makes_no_sense_is_refused_in_its_row(administrator):
    template = factories.make_template(name="With_Values", options={
        "redundancy": {"strict": {"value": "false", "help": "", "valid": "true, false"}}})
    row = make(template_id=template.pk)
    answer = administrator.post(f"{LIST}{row.pk}/", form_of(
        row, after="stay", option_section=["redundancy"], option_key=["strict"], option_value=["maybe"]))
    text = flat(answer)
    assert answer.status_code == 422
    assert 'data-goto="option-0"' in text
    assert text.count("it is true or false, or empty for the default.") == 2
    assert row.options.count() == 0


def test_ports_of_a_running_server_count_from_its_next_start(administrator):
    row = factories.make_application("MS", host=factories.make_host(), status="Started", ports={"default": 7001})
    row.runtime.ports = [{"id": "default", "port": 7001, "listening": True}]
    row.runtime.save()
    saved = administrator.post(f"{LIST}{row.pk}/", form_of(row, ports=[port_row(port=7005)], after="stay"))
    sentence = "Listening Ports take effect at the next start of MS, which is Started now."
    assert sentence in said(saved)
    assert f"The changed {sentence}" in flat(administrator.get(f"{LIST}{row.pk}/"))
    live = administrator.post(f"{LIST}{row.pk}/", form_of(get_application(row.pk), startup_timeout=30, after="stay"))
    assert "next start" not in said(live)


def test_another_host_means_another_installation_and_the_page_says_so(administrator):
    row = factories.make_application("MS", host=factories.make_host(), installed=True)
    other = factories.make_host("other")
    saved = administrator.post(f"{LIST}{row.pk}/", form_of(row, host_id=other.pk, after="stay"))
    assert "MS is not installed on its new Host: Working Directory, Command Line and Command Line" in said(saved)
    assert not get_application(row.pk).is_installed


def test_panels_are_open_where_something_has_to_be_typed(administrator):
    row = make()
    new = flat(administrator.get(NEW))
    refused = flat(administrator.post(f"{LIST}{row.pk}/", form_of(row, name="", after="stay")))
    stored = flat(administrator.get(f"{LIST}{row.pk}/"))
    assert ["section-general" in text for text in (new, refused, stored)] == [False, False, True]


def test_what_a_backup_takes_over_is_shown_and_kept_but_not_offered_to_be_changed(administrator):
    primary, backup = factories.make_pair(status=None)
    server = factories.make_application("Log", host=factories.make_host(), ports={"default": 7900})
    for member in (primary, backup):
        member.connections.create(server=server)
    text = flat(administrator.get(f"{LIST}{backup.pk}/"))
    assert text.count(f'<a id="tenants-primary" href="{LIST}{primary.pk}/">MS_Primary</a>') == 1
    assert "connections-edit" not in text
    assert "connections-add" not in text
    answer = administrator.post(f"{LIST}{backup.pk}/", form_of(backup, description="x", after="stay"))
    assert answer.status_code == 302
    assert [connection.server for connection in get_application(backup.pk).connections.all()] == [server]


def test_a_running_server_keeps_its_name_and_says_why(administrator):
    row = factories.make_application("MS", host=factories.make_host(), status=ApplicationStatus.STARTED)
    answer = administrator.post(f"{LIST}{row.pk}/", form_of(row, name="Renamed", after="stay"))
    assert answer.status_code == 422
    assert 'data-goto="id_name"' in flat(answer)


# --- somebody else saved in between, or deleted it


def conflicting(administrator, **mine):
    row = make()
    form = form_of(row, after="stay", **mine)
    theirs = factories.make_draft(name="MS", template_id=row.template_id, host_id=row.host_id, description="theirs",
                                  tenants="Theirs")
    services.update_application(actor=factories.ADMINISTRATOR, application_id=row.pk, revision=1, draft=theirs)
    return row, form, administrator.post(f"{LIST}{row.pk}/", form)


def test_a_save_over_another_save_is_refused_with_what_differs(administrator):
    row, _, answer = conflicting(administrator, description="mine")
    text = flat(answer)
    assert answer.status_code == 409
    assert "ada saved this application in the meantime" in text
    assert text.count("ada saved") == 1
    for word in ("Description", "theirs", "mine", "Keep mine", "Take theirs"):
        assert word in text
    assert get_application(row.pk).description == "theirs"


def test_keep_mine_saves_over_it(administrator):
    row, form, answer = conflicting(administrator, description="mine")
    administrator.post(f"{LIST}{row.pk}/", {**form, "revision": answer.context["conflict"].revision})
    assert get_application(row.pk).description == "mine"


def test_a_save_that_says_the_same_as_theirs_and_more_is_not_refused(administrator):
    row, _, answer = conflicting(administrator, description="theirs", tenants="Theirs", log_on_as="genesys")
    assert answer.status_code == 302
    stored = get_application(row.pk)
    assert (stored.description, stored.log_on_as) == ("theirs", "genesys")


def test_what_was_typed_for_an_application_that_was_deleted_meanwhile_can_be_saved_as_a_new_one(administrator):
    row = make()
    form = form_of(row, description="typed for an hour", option_section=["clients"], option_key=["a"],
                   option_value=["planted"])
    services.delete_applications(actor=factories.ADMINISTRATOR, application_ids=[row.pk])
    answer = administrator.post(f"{LIST}{row.pk}/", form)
    text = flat(answer)
    assert answer.status_code == 404
    for words in ("MS does not exist any more", f"{factories.ADMINISTRATOR.name} deleted it while you were editing it.",
                  f'action="{NEW}"', "typed for an hour", "Open the form, filled in"):
        assert words in text
    assert "planted" not in text


def test_rights_of_a_login_are_explained_and_shown_whatever_the_login_is_called(administrator):
    row = make(options={"clients": {"token-reader": "benchpass"}, "client-rights": {"token-reader": "read=/topic/a*"}})
    text = flat(administrator.get(f"{LIST}{row.pk}/"))
    assert 'value="read=/topic/a*"' in text
    assert "What is not named is not allowed." in text
    assert "benchpass" not in text
