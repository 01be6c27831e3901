"""The Application editor: New, Edit, what is refused and where, conflicts, checks while typing."""

import re

import pytest
from django.contrib.messages import get_messages

from provisioning.applications.forms.editors import stored_editor
from provisioning.applications.forms.rows import UNREADABLE
from provisioning.applications.selectors.applications import get_application
from provisioning.applications.services import applications as services
from provisioning.errors import Refusal
from provisioning.models import Application
from provisioning.models.applications import MASK
from provisioning.states import ApplicationStatus, RedundancyType
from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST, form_of, port_row, script

pytestmark = pytest.mark.django_db
NEW = f"{LIST}new/"


def make(name="MS", **fields):
    return services.create_application(actor=factories.ADMINISTRATOR, draft=factories.make_draft(name=name, **fields))


def said(answer):
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


# --- the guide, steps 1a to 1e
def test_the_form_has_every_field_of_a_server_with_its_default(administrator):
    text = flat(administrator.get(NEW))
    for label in ("Name", "Application Template", "Enabled", "Tenants", "Host", "Listening Ports",
                  "Working Directory", "Command Line", "Command Line Arguments", "Startup Timeout", "Shutdown Timeout",
                  "Auto-Restart", "Backup Server", "Redundancy Type", "Reconnect Timeout", "Reconnect Attempts",
                  "Log On As Account", "Primary", "Connections", "Options", "Annex"):
        assert label in text, label
    order = [text.index(label) for label in ("General", "Server Info", "Listening Ports", "Auto-Restart")]
    assert order == sorted(order)


def test_save_and_close_creates_the_object_and_returns_to_its_row(administrator):
    template, host = factories.make_template(), factories.make_host("ms-host")
    answer = administrator.post(NEW, form_of(name="MS_Backup", template_id=template.pk, host_id=host.pk,
                                             ports=[port_row(port=7101)], after="close"))
    row = Application.objects.get(name="MS_Backup")
    assert answer["Location"] == f"{LIST}?saved={row.pk}"
    assert (row.host, row.working_directory, row.auto_restart) == (host, ".", True)
    assert [port.port for port in row.ports.all()] == [7101]


def test_after_the_first_save_it_says_what_to_do_next(administrator):
    answer = administrator.post(NEW, form_of(name="MS", template_id=factories.make_template().pk,
                                             host_id=factories.make_host("ms-host").pk, after="close"))
    row = Application.objects.get(name="MS")
    assert f'Next: <a href="{LIST}{row.pk}/install/">Install</a> it on ms-host.' in said(answer)


def test_options_and_ports_of_the_template_come_without_a_script_too(administrator):
    administrator.post(NEW, form_of(name="MS", template_id=factories.make_template().pk,
                                    host_id=factories.make_host().pk, after="close"))
    row = Application.objects.get(name="MS")
    assert row.options_dict()["log"]["verbose"] == "standard"
    assert {port.port_id for port in row.ports.all()} == {"default", "sync"}


@pytest.mark.parametrize(("after", "where"), [("stay", "{list}{pk}/"), ("new", "{list}new/?template={template}")])
def test_save_stays_and_save_and_new_begins_another(administrator, after, where):
    template = factories.make_template()
    answer = administrator.post(NEW, form_of(name="MS", template_id=template.pk, host_id=factories.make_host().pk,
                                             after=after))
    row = Application.objects.get(name="MS")
    expected = where.format(list=LIST, pk=row.pk, template=template.pk)
    assert answer["Location"].split("?tab=")[0] == expected


def test_new_may_begin_with_a_template(administrator):
    template = factories.make_template()
    answer = administrator.get(f"{NEW}?template={template.pk}")
    assert template.name in flat(answer)
    assert [row.key for row in answer.context["editor"].options] == ["all", "verbose", "retention-days"]


def test_what_was_typed_outlives_a_refusal(administrator):
    factories.make_application("Taken")
    answer = administrator.post(NEW, form_of(
        name="Taken", template_id=factories.make_template().pk, description="Line 7", ports=[port_row(port=7345)],
        option_section=["log"], option_key=["verbose"], option_value=["trace"], filled_from=1, after="close"))
    text = flat(answer)
    assert answer.status_code == 422
    for value in ("Taken", "Line 7", "7345", "trace"):
        assert value in text
    assert Application.objects.count() == 1


def test_a_refusal_is_beside_its_field_and_in_a_summary_with_a_link_to_it(administrator):
    other = factories.make_application("Taken")
    answer = administrator.post(NEW, form_of(name="Taken", template_id=factories.make_template().pk, after="close"))
    text = flat(answer)
    assert 'data-goto="id_name"' in text
    assert text.count(f'<a href="{LIST}{other.pk}/">Taken</a> exists already') == 2
    assert 'aria-invalid="true"' in text


def test_a_missing_template_is_said(administrator):
    answer = administrator.post(NEW, form_of(name="MS", after="close"))
    assert "Choose an Application Template" in flat(answer)


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("startup_timeout", "soon", "Startup Timeout must be a whole number."),
    ("reconnect_attempts", "", "Reconnect Attempts must be a whole number."),
    ("startup_timeout", "0", "Startup Timeout"),
    ("name", " MS ", "blank"),
    ("working_directory", "srv/ms", "absolute path"),
    ("redundancy_type", RedundancyType.HOT_STANDBY, "Warm Standby"),
])
def test_every_wrong_value_is_answered_with_a_sentence(administrator, field, value, sentence):
    values = form_of(name="MS", template_id=factories.make_template().pk, after="close")
    answer = administrator.post(NEW, {**values, field: value})
    assert answer.status_code == 422
    assert sentence in flat(answer)
    assert not Application.objects.exists()


def test_a_port_in_use_on_the_host_is_refused_in_its_row_and_names_the_other(administrator):
    host = factories.make_host("ms-host")
    other = factories.make_application("Other", host=host, ports={"default": 7001})
    answer = administrator.post(NEW, form_of(name="MS", template_id=factories.make_template().pk, host_id=host.pk,
                                             ports=[port_row(token="b7")], after="close"))
    text = flat(answer)
    assert 'data-goto="row-b7"' in text
    assert f'by <a href="{LIST}{other.pk}/">Other</a>' in text


@pytest.mark.parametrize(("rows", "sentence"), [
    (["not json"], UNREADABLE), (["[1]"], UNREADABLE), (['{"port": 1'], UNREADABLE), (["x" * 20_000], UNREADABLE),
    (["[" * 20_000], UNREADABLE), (['{"token": "<b>"}'], "Port must be a whole number.")])
def test_rows_that_are_no_rows_are_refused_in_their_place_and_nothing_is_saved(administrator, rows, sentence):
    answer = administrator.post(NEW, form_of(name="MS", template_id=factories.make_template().pk,
                                             ports=[port_row(), *rows], after="close"))
    assert answer.status_code == 422
    text = flat(answer)
    assert "Listening Port 2</a>" in text
    assert sentence in text
    assert not Application.objects.exists()


# --- edit
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
    template = factories.make_template("Log_DAP", type="DAP", options={}, ports=[])
    stars = flat(administrator.get(f"{NEW}?template={template.pk}")).count('title="required"')
    assert stars == 2
    answer = administrator.post(NEW, form_of(name="DAP", template_id=template.pk, working_directory="", command_line="",
                                             after="close"))
    assert answer.status_code == 302
    assert "None" not in said(answer)
    assert "Pairwise keeps the configuration of DAP, and installs and starts Message Servers only." in said(answer)


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


# --- somebody else saved in between
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


# --- while typing
def test_a_check_answers_for_what_was_touched_only(administrator):
    factories.make_application("Taken")
    text = flat(administrator.post(f"{LIST}check/", form_of(name="Taken", touched="name"), headers=script()))
    assert 'id="id_name_error"' in text
    assert "exists already" in text
    assert "id_template_id_error" not in text


def test_a_check_writes_nothing(administrator):
    administrator.post(f"{LIST}check/", form_of(name="MS", template_id=factories.make_template().pk), headers=script())
    assert not Application.objects.exists()


def test_a_check_of_a_stored_application_does_not_meet_itself(administrator):
    row = make()
    text = flat(administrator.post(f"{LIST}check/", form_of(row, touched="name"), headers=script()))
    assert "exists already" not in text


def test_choosing_a_template_fills_type_version_options_and_ports(administrator):
    template, host = factories.make_template(), factories.make_host()
    factories.make_application(host=host, ports={"default": 7001})
    answer = administrator.post(f"{LIST}fill/", form_of(template_id=template.pk, host_id=host.pk), headers=script())
    text = flat(answer)
    for value in ("Message Server", template.version, "retention-days", "How much is logged."):
        assert value in text
    assert 7001 not in [row.values["port"] for row in answer.context["editor"].ports]


def test_another_template_replaces_what_was_proposed_and_keeps_what_was_typed(administrator):
    first = factories.make_template()
    second = factories.make_template("Other", options={"general": {"mode": {"value": "fast", "help": ""}}}, ports=[])
    answer = administrator.post(f"{LIST}fill/", form_of(
        template_id=second.pk, filled_from=first.pk, ports=[port_row(proposed=True)],
        option_section=["log", "log"], option_key=["verbose", "all"], option_value=["trace", "stdout"],
    ), headers=script())
    editor = answer.context["editor"]
    assert [(row.section, row.key, row.value) for row in editor.options] == [
        ("general", "mode", "fast"), ("log", "verbose", "trace")]
    assert editor.ports == []


def test_a_port_that_was_typed_stays_when_the_template_changes(administrator):
    answer = administrator.post(f"{LIST}fill/", form_of(template_id=factories.make_template().pk,
                                                        ports=[port_row(port=7333)]), headers=script())
    assert [row.values["port"] for row in answer.context["editor"].ports] == [7333]


def test_an_error_on_the_options_tab_opens_that_tab(administrator):
    row = make(options={"log": {"verbose": "all"}})
    answer = administrator.post(f"{LIST}{row.pk}/", form_of(row, option_section=[""], after="stay"))
    assert [tab["name"] for tab in answer.context["tabs"] if tab["selected"]] == ["options"]
    assert "An option needs a section and a key." in flat(answer)


def test_a_running_server_keeps_its_name_and_says_why(administrator):
    row = factories.make_application("MS", host=factories.make_host(), status=ApplicationStatus.STARTED)
    answer = administrator.post(f"{LIST}{row.pk}/", form_of(row, name="Renamed", after="stay"))
    assert answer.status_code == 422
    assert 'data-goto="id_name"' in flat(answer)


OPTION = {"option_section": ["redundancy"], "option_key": ["strict"], "option_row": ["n7"]}


def with_strict():
    return make(template_id=factories.make_template(name="With_Values", options={
        "redundancy": {"strict": {"value": "false", "help": "", "valid": "true, false"}}}).pk)


def test_a_bad_option_is_said_while_it_is_typed_in_the_row_that_it_was_typed_into(administrator):
    row = with_strict()

    def said(value):
        text = flat(administrator.post(f"{LIST}check/", form_of(row, **OPTION, option_value=[value]), headers=script()))
        return re.search(r'<div id="option-n7_error"[^>]*>(.*?)</div>(?=<div id|$)', text)[1]

    assert "[redundancy] strict cannot be" in said("maybe")
    assert said("true") == ""


def test_an_option_that_is_not_typed_to_its_end_is_not_judged_yet(administrator):
    row = make()
    form = form_of(row, option_section=["redundancy"], option_key=[""], option_value=[""], option_row=["n7"])
    assert "n7" not in flat(administrator.post(f"{LIST}check/", form, headers=script()))


def test_what_a_line_of_the_summary_is_about_is_said_once(administrator):
    row = with_strict()
    text = flat(administrator.post(f"{LIST}{row.pk}/", form_of(row, **OPTION, option_value=["maybe"],
                                                               startup_timeout="soon")))
    summary = text[text.index("data-summary-of"):text.index("</ul>", text.index("data-summary-of"))]
    lines = [re.sub(r"<[^>]+>", "", line) for line in re.findall(r"<li.*?</li>", summary)]
    assert len(lines) == 2
    assert [line.count("[redundancy] strict") + line.count("Startup Timeout") for line in lines] == [1, 1]


def test_what_belongs_to_a_table_is_said_there_and_in_the_summary(administrator):
    editor = stored_editor(get_application(make().pk))
    editor.refuse([Refusal("too many", "ports"), Refusal("no such", "options"), Refusal("not now")],
                  lambda refusal: refusal.message)
    assert editor.elsewhere == {"form": ["not now"], "ports": ["too many"], "connections": [], "option": ["no such"],
                                "annex": []}
    assert [(label, place) for label, _, place, _ in editor.summary] == [
        ("Listening Ports", "ports"), ("Options", "option"), ("", "")]


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
