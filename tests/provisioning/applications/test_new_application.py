"""The guide, steps 1a to 1e: the editor makes a new application."""

import pytest

from provisioning.applications.forms.rows import UNREADABLE
from provisioning.models import Application
from provisioning.states import RedundancyType
from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST, form_of, port_row

from .editor import NEW, said

pytestmark = pytest.mark.django_db


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
