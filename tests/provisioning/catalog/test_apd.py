"""Reading and writing Application Template files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.catalog.apd import MAX_BYTES, TemplateFileError, read_template
from provisioning.catalog.written_apd import write_template
from provisioning.drafts import TemplateDraft
from provisioning.models.applications import is_secret_option

GOOD = """\
; Message Server
[template]
name = Message_Server
type = MessageServer
version = 8.5.100.01
format = 1

[port:default]
port = 7001
protocol = stomp
description = Clients

[port:sync]
ha_sync = true

[option:log]
; How much is logged:
# all, standard or none.
verbose = standard

; Not directly above, so no help.

all = stdout, network = yes
[option:clients]
"""


def read(text):
    return read_template(text.encode(), file_name="x.apd")


def test_everything_is_read():
    assert read(GOOD) == TemplateDraft(
        name="Message_Server", type="MessageServer", version="8.5.100.01", file_name="x.apd",
        ports=[{"id": "default", "port": 7001, "protocol": "stomp", "ha_sync": False, "description": "Clients"},
               {"id": "sync", "port": None, "protocol": "", "ha_sync": True, "description": ""}],
        options={"log": {"verbose": {"value": "standard", "help": "How much is logged: all, standard or none."},
                         "all": {"value": "stdout, network = yes", "help": ""}}, "clients": {}})


def test_windows_line_ends_and_a_byte_order_mark_are_taken():
    assert read_template(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(), file_name="x.apd") == read(GOOD)


def test_written_template_reads_back_the_same():
    draft = read(GOOD)
    assert read_template(write_template(draft), file_name="x.apd") == draft


@pytest.mark.parametrize(("old", "new", "line", "word"), [
    ("[template]", "[templates]", 2, "unknown"), ("[template]", "template]", 2, "neither"),
    ("[template]", "[template", 2, "no section"), ("[port:sync]", "[port:default]", 13, "twice"),
    ("[port:sync]", "[port: sync]", 13, "unknown"), ("[port:sync]", "[port:]", 13, "unknown"),
    ("[option:clients]", "[option:log]", 24, "twice"), ("[option:clients]", "[template]", 24, "twice"),
    ("port = 7001", "port = 70010", 9, "no number"), ("port = 7001", "port = abc", 9, "no number"),
    ("port = 7001", "ports = 7001", 9, "unknown in a port"), ("ha_sync = true", "ha_sync = maybe", 14, "true or false"),
    ("type = MessageServer", "type = Teapot", 4, "Type"), ("format = 1", "format = 2", 6, "Format"),
    ("version = 8", "colour = 8", 5, "unknown in [template]"), ("version = 8", "name = 8", 5, "twice"),
    ("verbose = standard", "verbose", 19, "neither"), ("all = stdout", "verbose = stdout", 23, "twice"),
    ("; Message Server", "x = 1", 1, "before the first section"), ("verbose", "a\x01b", 19, "control character"),
    ("verbose = standard", "verbose = " + "x" * 9001, 19, "9000 fit"),
    ("8.5.100.01", "8" * 33, 5, "too long"), ("[option:clients]", "[option:clients]\nada = open", 25, "a secret"),
    ("verbose = standard", "db-password = open", 19, "a secret"),
])
def test_fault_is_a_sentence_with_its_line(old, new, line, word):
    with pytest.raises(TemplateFileError, match=rf"^Line {line}: .*[.?]$") as caught:
        read(GOOD.replace(old, new, 1))
    assert word in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize("key", ["name", "type", "version", "format"])
def test_missing_key_is_named(key):
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(f"{key} ="))
    with pytest.raises(TemplateFileError, match=f"^{key} is missing"):
        read(text)


def test_file_that_is_no_text_or_too_large_is_refused():
    with pytest.raises(TemplateFileError, match=r"Line 2: .*UTF-8"):
        read_template(b"; a\n\xff\xfe")
    with pytest.raises(TemplateFileError, match="at most"):
        read_template(b";" * (MAX_BYTES + 1))
    with pytest.raises(TemplateFileError, match="name is missing"):
        read_template(b"")


def test_too_many_entries_are_refused():
    text = GOOD + "[option:many]\n" + "\n".join(f"k{n} = 1" for n in range(2001))
    with pytest.raises(TemplateFileError, match="more than 2000"):
        read(text)


@given(st.binary(max_size=400))
def test_rubbish_is_refused_never_an_error(content):
    with pytest.raises(TemplateFileError):
        read_template(content)


LETTERS = st.characters(min_codepoint=33, max_codepoint=0x2FF, blacklist_characters="[]=;#\x7f\x85\xad")
WORDS = st.text(LETTERS, min_size=1, max_size=20).filter(lambda text: text == text.strip() and text.isprintable())


@given(name=WORDS, options=st.dictionaries(WORDS, st.dictionaries(WORDS, st.tuples(st.just("") | WORDS, WORDS))))
def test_whatever_is_written_reads_back(name, options):
    draft = TemplateDraft(name=name, type="MessageServer", version="1", options={
        section: {key: {"value": "" if is_secret_option(section, key) else value, "help": text}
                  for key, (value, text) in keys.items()}
        for section, keys in options.items()})
    assert read_template(write_template(draft)) == draft
