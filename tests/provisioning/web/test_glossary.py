"""The glossary: one source for the document and the words that explain themselves."""

import re

import pytest

from docs import glossary
from provisioning.glossary import TERMS, anchor
from provisioning.manual import rules
from provisioning.web.tags import term
from tests.sources import ROOT

USED = re.compile(r'\{% term "([^"]+)"')


def test_the_document_is_up_to_date():
    assert glossary.PAGE.read_text() == glossary.page(), "run: python -m docs.glossary"


@pytest.mark.parametrize("path", ["README.md", "docs/architecture.md", "docs/operating.md"])
def test_who_reads_about_pairwise_finds_it(path):
    assert "glossary.md)" in (ROOT / path).read_text()


def test_terms_stand_by_the_alphabet_and_each_has_a_place_of_its_own():
    assert list(TERMS) == sorted(TERMS, key=str.casefold)
    _, *headings = rules.headings(glossary.page())
    assert {heading.text: heading.anchor for heading in headings} == {each: anchor(each) for each in TERMS}
    assert {"Epoch", "Grant", "Attested", "Proven", "In sync"} <= set(TERMS)


@pytest.mark.parametrize("name", TERMS)
def test_each_is_one_plain_sentence(name):
    text = TERMS[name]
    assert text[0].isupper()
    assert text.endswith(".")
    assert not re.search(r"[.!?] [A-Z]", text)
    assert len(text) <= 160


def test_pages_explain_only_what_is_there():
    used = {name for path in (ROOT / "templates").rglob("*.html") for name in USED.findall(path.read_text())}
    assert {"Epoch", "Proven", "Reported", "Assigned"} <= used <= set(TERMS)
    with pytest.raises(KeyError):
        term("Flux")


@pytest.mark.django_db
def test_a_word_says_on_hover_what_it_means_and_leads_to_the_page():
    assert term("Epoch", "its epoch", of=7) == (
        f'<a class="term" id="term-epoch-7" href="/docs/glossary.html#epoch" title="{TERMS["Epoch"]}">its epoch</a>')
