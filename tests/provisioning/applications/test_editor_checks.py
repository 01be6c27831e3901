"""What the editor says and fills in while somebody types."""

import re

import pytest

from provisioning.applications.forms.editors import stored_editor
from provisioning.applications.selectors.applications import get_application
from provisioning.errors import Refusal
from provisioning.models import Application
from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST, form_of, port_row, script

from .editor import make

pytestmark = pytest.mark.django_db


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
