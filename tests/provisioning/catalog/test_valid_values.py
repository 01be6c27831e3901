"""What an option may be set to: in the template file, at save, in a plan, and what is strange but allowed."""

from dataclasses import replace

import pytest

from messageserver.options import OPTIONS
from messageserver.packaging import template_text
from messageserver.settings import from_application
from provisioning.applications.rules import ApplicationFacts, TemplateFacts, application_refusals
from provisioning.applications.rules.management_layer import management_layer
from provisioning.applications.services import applications
from provisioning.catalog.apd import TemplateFileError, read_template
from provisioning.catalog.known_options import ANNEX, KnownOptions, unknown_options
from provisioning.catalog.services import templates
from provisioning.catalog.valid_values import read_valid_values
from provisioning.drafts import ApplicationDraft
from provisioning.errors import Refused
from provisioning.models import HistoryEntry
from provisioning.models.applications import MASK
from tests.factories import ADMINISTRATOR, make_draft, make_template

TEMPLATE = read_template(template_text().encode())
KNOWN = KnownOptions(TEMPLATE.options)
FACTS = ApplicationFacts(template=TemplateFacts(
    id=1, name="Message_Server", type="MessageServer", version="8.5", options=TEMPLATE.options))


def refusals(**sections):
    """Of a draft with these options, "annex" apart."""
    annex = sections.pop("annex", {})
    draft = ApplicationDraft(name="MS", template_id=1, working_directory=".", command_line=".", ports=(),
                             connections=(), options=sections, annex=annex)
    return [refusal for refusal in application_refusals(draft, FACTS) if refusal.field.startswith(("options", "annex"))]


@pytest.mark.parametrize(("text", "good", "bad"), [
    ("true, false", ["true", "FALSE", " true ", ""], ["maybe", "1", "true false"]),
    ("1-600", ["1", "600", "007", ""], ["0", "601", "-1", "1.5", "1 s", "٣", "x"]),
    ("false, 1-100 MB, 1-900 KB", ["false", "100 MB", "900 kb", "1  MB"], ["101 MB", "100MB", "100", "1 GB", "MB"]),
    ("", ["anything", "at all, really"], []),
])
def test_values_are_told_apart(text, good, bad):
    valid = read_valid_values(text)
    assert [value for value in good if not valid.allow(value)] == []
    assert [value for value in bad if valid.allow(value)] == []


@pytest.mark.parametrize(("text", "said"), [
    ("true, false", "true or false"), ("1-600", "a whole number from 1 to 600"), ("a", "a"),
    ("false, 1-100 MB, 1-900 KB", "false, 1 to 100 MB or 1 to 900 KB"), ("false, 1-9", "false or 1 to 9"),
])
def test_values_are_said_in_words(text, said):
    assert str(read_valid_values(text)) == said


@pytest.mark.parametrize(("line", "word"), [
    ("Valid Values: a b c", "neither a word, nor a range"), ("Valid Values: 9-1", "ends before it begins"),
    ("Valid Values: true,,false", "neither"), ("Valid Values: true, false", 'the default "maybe" is none of them'),
])
def test_template_file_that_contradicts_itself_is_refused_with_its_line(line, word):
    text = (f"[template]\nname = x\ntype = MessageServer\nversion = 1\nformat = 1\n[option:a]\n; Help.\n; {line}\n"
            "k = maybe\n")
    with pytest.raises(TemplateFileError, match=r"^Line 9: .*[.]$") as caught:
        read_template(text.encode())
    assert word in str(caught.value)


def test_the_template_of_the_message_server_carries_what_its_option_table_knows():
    for option in OPTIONS:
        assert TEMPLATE.options[option.section][option.key].get("valid", "") == option.valid_values


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.low is not None or option.key == "strict"],
                         ids=lambda option: option.key)
def test_what_is_refused_here_is_what_the_server_would_not_use(option):
    def used(value):
        settings = from_application({"name": "MS", "ports": [{"id": "default", "port": 7001}],
                                     "options": {option.section: {option.key: value}}})
        return not settings.problems

    values = (["true", "false", "maybe"] if option.low is None else
              [str(option.low), str(option.high), str(option.high + 1), "many", f"-{option.high}"])
    for value in values:
        assert bool(refusals(**{option.section: {option.key: value}})) != used(value), value


def test_value_that_makes_no_sense_is_refused_with_what_is_allowed():
    found = refusals(redundancy={"strict": "maybe", "standby-timeout": "0"})
    assert [(refusal.field, refusal.message) for refusal in found] == [
        ("options.redundancy.strict",
         '[redundancy] strict cannot be "maybe": it is true or false, or empty for the default.'),
        ("options.redundancy.standby-timeout",
         '[redundancy] standby-timeout cannot be "0": it is a whole number from 1 to 600, or empty for the default.')]


def test_an_option_is_found_as_the_server_finds_it():
    assert refusals(Redundancy={"STANDBY_TIMEOUT": "0"})[0].field == "options.Redundancy.STANDBY_TIMEOUT"


def test_annex_of_the_management_layer_is_checked_and_other_keys_are_nobodys_business():
    assert [refusal.field for refusal in refusals(annex={"sml": {"suspending-wait-timeout": "4"}})] == [
        "annex.sml.suspending-wait-timeout"]
    assert refusals(annex={"sml": {"suspending-wait-timeout": "600", "uninstall": "rm"}, "site": {"a": "b"}}) == []


def test_keys_of_the_management_layer_that_nothing_reads_get_a_hint():
    assert ANNEX.hint("sml", "heartbeat_periods") == (
        "The Management Layer knows no heartbeat_periods in section [sml] and ignores it. "
        "Did you mean heartbeat-period?")
    assert ANNEX.hint("SML", "Hangup_Restart") == ANNEX.hint("site", "anything") == ""


@pytest.mark.parametrize(("key", "value", "field", "means"), [
    ("heartbeat-period", "", "heartbeat_period", 10), ("heartbeat-period", "0", "heartbeat_period", 0),
    ("HEARTBEAT_PERIOD", "30", "heartbeat_period", 30), ("heartbeat-period", "2", "heartbeat_period", 3),
    ("heartbeat-period", "often", "heartbeat_period", 10), ("hangup-restart", "", "hangup_restart", True),
    ("hangup-restart", "False", "hangup_restart", False), ("hangup-restart", "maybe", "hangup_restart", True),
    ("suspending-wait-timeout", "9999", "suspending_wait_timeout", 600),
    ("suspending-wait-timeout", "-1", "suspending_wait_timeout", 10)])
def test_what_the_management_layer_is_told_is_the_nearest_that_makes_sense(key, value, field, means):
    assert management_layer({"Sml": {key: value}})[field] == means


def test_values_of_secrets_are_not_repeated_and_kept_ones_not_judged():
    options = {"a": {"token": {"value": "1", "help": "", "valid": "1-9"}}}
    facts = replace(FACTS, template=replace(FACTS.template, options=options))
    draft = ApplicationDraft(name="MS", template_id=1, working_directory=".", command_line=".", ports=(),
                             connections=(), options={"a": {"token": "hunter2"}}, annex={})
    found = [refusal for refusal in application_refusals(draft, facts) if refusal.field == "options.a.token"]
    assert len(found) == 1
    assert "hunter2" not in found[0].message
    kept = application_refusals(replace(draft, options={"a": {"token": MASK}}), facts)
    assert not any("cannot be" in refusal.message for refusal in kept)


@pytest.mark.parametrize(("section", "key", "words"), [
    ("redundancy", "strickt", ("knows no strickt", "Did you mean strict?")),
    ("redundant", "strict", ("no section [redundant]", "Did you mean redundancy?")),
    ("colours", "sky", ("no section [colours]",)),
])
def test_unknown_option_gets_a_hint(section, key, words):
    assert refusals(**{section: {key: "x"}}) == []
    hint = KNOWN.hint(section, key)
    assert all(word in hint for word in words)


def test_known_options_and_sections_that_take_any_key_get_none():
    assert unknown_options(KNOWN, {"log": {"Verbose": "all"}, "clients": {"bench": "x"}}) == []
    assert KnownOptions({}).hint("anything", "at all") == ""


@pytest.mark.django_db
def test_nothing_is_saved_with_such_a_value():
    template = make_template(options=TEMPLATE.options)
    draft = make_draft(template_id=template.pk)
    row = applications.create_application(actor=ADMINISTRATOR, draft=draft)
    with pytest.raises(Refused, match="true or false"):
        applications.update_application(actor=ADMINISTRATOR, application_id=row.pk, revision=row.revision,
                                        draft=replace(draft, options={"redundancy": {"strict": "maybe"}}))
    row.refresh_from_db()
    assert row.options_dict() == {}


@pytest.mark.django_db
def test_an_older_template_learns_what_a_newer_file_says_of_the_same_options():
    content = template_text().encode()
    without = b"\n".join(line for line in content.split(b"\n") if not line.startswith(b"; Valid Values:"))
    old = templates.import_template(actor=ADMINISTRATOR, file_name="x.apd", content=without)
    assert templates.import_template(actor=ADMINISTRATOR, file_name="x.apd", content=content) == old
    old.refresh_from_db()
    assert old.options["redundancy"]["strict"]["valid"] == "true, false"
    assert HistoryEntry.objects.filter(object_type="template").count() == 2
