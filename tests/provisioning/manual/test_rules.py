"""Markdown becomes a page, and what somebody wrote into a document becomes nothing else."""

import pytest

from provisioning.manual.rules import headings, parts, render, sections

TITLE = "# A title\n\n"


def html(text: str) -> str:
    return render(TITLE + text, lambda target: target).html


@pytest.mark.parametrize("text", [
    "<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "<a id=\"x\"></a>", "<!-- -->",
    "`<b>`", "```\n<b>\n```", "# <b>", "| <b> |\n|---|\n| <i> |", "[<b>](a.txt)", "![<b>](a.txt \"<i>\")"])
def test_html_in_a_document_is_text(text):
    page = html(text)
    for tag in ("<script", "<b", "<i>", "<!--", "onerror=alert(1)>", "<a id"):
        assert tag not in page.replace("<img src=\"a.txt\"", "").replace("<blockquote", "")
    assert "&lt;" in page


@pytest.mark.parametrize("target", ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x",
                                    "file:///etc/passwd"])
def test_a_link_starts_no_script(target):
    assert "href" not in html(f"[a]({target})")
    assert "src" not in html(f"![a]({target})")


def test_links_lead_where_they_are_said_to_and_words_stay_where_they_lead_nowhere():
    found = render(TITLE + "[a](b.txt#c) [d](none.txt) ![e](none.gif) [f](https://example.com/) [g](#h)",
                   {"b.txt#c": "b.html#c", "#h": "#h"}.get)
    assert found.html == ('<p><a href="b.html#c">a</a> <a>d</a> <img alt="e"> <a href="https://example.com/">f</a> '
                          '<a href="#h">g</a></p>\n')
    assert found.broken == ("none.txt", "none.gif")


def test_the_title_is_told_apart_from_the_text():
    found = render("# The `run` of it\n\nText.\n\n## More\n", str)
    assert (found.title.text, found.html) == ("The run of it", '<p>Text.</p>\n<h2 id="more">More</h2>\n')
    assert [heading.text for heading in found.headings] == ["More"]


@pytest.mark.parametrize(("text", "anchor"), [
    ("Monitoring > Alarms", "monitoring--alarms"), ("Limits (section `[limits]`)", "limits-section-limits"),
    ("A server's *own* log", "a-servers-own-log"), ("1.2 Ports, and more", "12-ports-and-more"),
    ("[Linked](a.txt) words", "linked-words"), ("under_score", "under_score")])
def test_headings_have_the_anchors_of_github(text, anchor):
    assert [heading.anchor for heading in headings(f"{TITLE}## {text}\n")] == ["a-title", anchor]


def test_headings_with_one_text_have_anchors_of_their_own():
    assert [heading.anchor for heading in headings("# A\n\n## B\n\n### B\n\n## B\n")] == ["a", "b", "b-1", "b-2"]


def test_what_is_wider_than_the_page_scrolls_and_is_reached_by_the_keyboard():
    assert '<pre tabindex="0"><code>a\n</code></pre>' in html("```sh\na\n```")
    table = '<div class="manual-wide" role="group" aria-label="Table" tabindex="0"><table>'
    assert table in html("| a |\n|---|\n| b |")


def test_an_empty_head_of_a_column_is_no_heading():
    page = html("| a | |\n|---|---|\n| b | c |")
    assert page.count("<th>") == 1
    assert "<td></td>" in page


def test_sections_hold_what_stands_below_their_heading():
    found = sections("# A\n\nOne `two`\nthree.\n\n## B\n\n| four | five |\n|---|---|\n| six | [seven](x.txt) |\n\n"
                     "```\neight\n```\n")
    assert [(section.heading.text, section.text.split()) for section in found] == [
        ("A", ["One", "two", "three."]), ("B", ["four", "five", "six", "seven", "eight"])]


def test_the_index_is_read_as_headings_with_links():
    found = parts("# All\n\nBegin [here](a.txt).\n\n## Some\n\n* [B `c`](b.txt) and\n  [D](d.txt#e)\n")
    assert [(part.title, part.links) for part in found] == [
        ("", [("here", "a.txt")]), ("Some", [("B c", "b.txt"), ("D", "d.txt#e")])]
