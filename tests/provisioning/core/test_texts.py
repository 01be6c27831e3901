"""What is no character gets into no text, whether somebody types it as an argument or writes it into a file."""

from dataclasses import replace

import pytest

from provisioning.applications.rules import application_refusals
from provisioning.core.text import text_refusals
from provisioning.drafts import PortDraft
from tests.commands import run
from tests.provisioning.applications.drafts import DRAFT, FACTS

HALF = "x\ud800y"


@pytest.mark.parametrize("sign", ["\udfff", "\0", "\n", "\x7f", "\u2028"])
def test_a_text_of_one_line_holds_no_control_characters_and_no_half_characters(sign):
    assert text_refusals(f"x{sign}y", field="f", label="Text", longest=10)
    assert not text_refusals("x\U0001f600y\ud7ff\ue000", field="f", label="Text", longest=10)


@pytest.mark.parametrize("fields", [
    {"name": HALF}, {"tenants": HALF}, {"command_line": HALF}, {"command_line_arguments": HALF},
    {"working_directory": f"/{HALF}"}, {"options": {"log": {"x": HALF}}}, {"options": {HALF: {"x": "1"}}},
    {"annex": {"sml": {HALF: "1"}}}, {"ports": (PortDraft(port_id="a", port=7001, protocol=HALF),)},
    {"ports": (PortDraft(port_id="a", port=7001, description=HALF),)}], ids=lambda fields: next(iter(fields)))
def test_no_field_of_an_application_takes_half_a_character_and_what_is_said_of_it_can_be_written(fields):
    found = application_refusals(replace(DRAFT, **fields), FACTS)
    assert found
    "".join(refusal.message + refusal.field for refusal in found).encode()


@pytest.mark.parametrize("words", [
    ("start", "x\udcff"), ("export", "x\udcff"), ("audit", "x\udcff", "--json"), ("synchronize", "x\udcff"),
    ("support_bundle", "x\udcff"), ("failover_check", "x\udcff"), ("promote", "MS", "--reason", "x\udcff"),
    ("apply", "x\udcff.yaml"), ("users", "add", "x\udcff"), ("install", "MS", "--path", "/x\udcff", "--json")],
    ids=lambda words: words[0])
@pytest.mark.django_db
def test_arguments_in_bytes_that_are_no_characters_are_refused_with_a_sentence(words):
    code, out, err = run(*words)
    assert code == 2
    assert "holds bytes that are no characters. Type it in UTF-8." in err
    (out + err).encode()
