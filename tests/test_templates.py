"""Holds how templates, styles and scripts are written and named (docs/architecture.md)."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.test_architecture import ROOT, modules, tree, where

TEMPLATES = ROOT / "templates"
WIDTH = 120
"""Characters of a line, as of a line of Python: ./run format breaks what can be broken."""
NAME = re.compile(r"[a-z_]+(?:/[a-z_0-9]+)*\.(?:html|css)")
PYTHON = ("provisioning", "api", "console")
OTHERS_WORDS = re.compile(r"(\w+\.)*(reason|advice|trouble|sentence|clear_reason)|"
                          r"(event|alarm|job|line|record|fact|rung|stage)\.text")
"""Values that may hold what a client, a host or somebody else wrote."""
OF_DOCUMENTS = ("api/", "manual/")
PACK = "pairwise/"
"""What crispy-forms looks for by its own names (provisioning/web/layouts.py)."""


@cache
def templates() -> dict[str, str]:
    """{name: source} of every template."""
    return {str(path.relative_to(TEMPLATES)): path.read_text() for path in sorted(TEMPLATES.rglob("*.*"))}


def naming_one() -> list[Path]:
    """Modules in which there may be the name of a template, or a part of one."""
    return [path for package in PYTHON for path in modules(package) if re.search(r"\.(html|css)\b", path.read_text())]


def named_in_python() -> dict[str, str]:
    """{name of a template: a place that names it}."""
    return {node.value: where(path, node.lineno, node.value)
            for path in naming_one() for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value)
            and not node.value.startswith("css/")}


def named_in_templates(verb: str) -> dict[str, str]:
    """{name of a template: one that includes it or extends it, as ``verb`` says}."""
    tag = re.compile(r"\{% " + verb + r" (?:\w+\|default:)?[\"']([^\"']+)[\"']|\bcontent=\"([^\"]+\.html)\"")
    return {name: f"templates/{source}" for source, text in templates().items()
            for names in tag.findall(text) for name in names if name}


def test_no_line_is_longer_than_a_screen_is_wide():
    patterns = ("templates/**/*.*", "static/css/*.css", "static/js/*.js")
    paths = [path for pattern in patterns for path in ROOT.glob(pattern)]
    wrong = [where(path, number, f"{len(line)} characters") for path in paths
             for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > WIDTH]
    assert len(paths) > 150
    assert not wrong, "\n".join(["", *wrong])


def test_every_template_that_is_named_exists_and_every_one_is_named():
    named = named_in_python() | named_in_templates("include") | named_in_templates("extends")
    found_by_django = {"403.html", "404.html", "500.html"}
    assert {name: place for name, place in named.items() if name not in templates()} == {}
    unnamed = templates().keys() - named.keys() - found_by_django
    assert {name for name in unnamed if not name.startswith(PACK)} == set()


def is_whole(name: str) -> bool:
    """Whether a template is a page or the frame of pages and dialogs; every other one is a fragment."""
    text = templates()[name]
    return "{% extends" in text or "<html" in text or "{% block" in text or name.endswith(".css")


def test_the_names_of_fragments_begin_with_an_underscore_and_no_others():
    wrong = [name for name in templates()
             if not name.startswith(PACK) and Path(name).name.startswith("_") == is_whole(name)]
    assert not wrong, "\n".join(["", *wrong])


def made_names(parsed) -> list[int]:
    """Lines where the name of a template is put together."""
    parts = [(node, [part for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)])
             for node in ast.walk(parsed) if isinstance(node, ast.JoinedStr | ast.BinOp)]
    return [node.lineno for node, constants in parts if any(part.value.endswith(".html") for part in constants)]


def test_the_name_of_a_template_is_written_out_so_that_it_can_be_searched_for():
    wrong = [where(path, line, "puts the name of a template together: write a table of whole names")
             for path in naming_one() for line in made_names(tree(path))]
    assert made_names(ast.parse('render(f"pairs/{part}.html")\nrender("pairs/" + part + ".html")')) == [1, 2]
    assert not wrong, "\n".join(["", *wrong])


def test_what_others_wrote_hides_nothing():
    """A host's reason with a sign in it that turns text around is read as another one."""
    shown = [(name, re.sub(r"\s", "", value).split("|")) for name, text in templates().items()
             if not name.startswith(OF_DOCUMENTS) for value in re.findall(r"\{\{(.*?)\}\}", text, re.DOTALL)]
    found = [(name, value) for name, value in shown if OTHERS_WORDS.fullmatch(value[0])]
    assert len(found) > 70
    assert [(name, value) for name, value in found if not {"strange", "crispy"} & {*value}] == []


def test_what_a_field_looks_like_is_written_once():
    wrong = [name for name, text in templates().items() if not name.startswith(PACK) and "_helptext" in text]
    assert wrong == []


BY_HAND = re.compile(r"<label\b|<textarea\b|<select\b|<input\b(?![^>]*type=\"hidden\")|"
                     r"class=\"(?:field|label|errors)\b")
NO_FIELDS = {
    "web/_header.html": "the search of every page",
    "manual/_search.html": "the search of the documentation",
    "web/_filters.html": "filters of a list: they choose what is shown",
    "server_log/_choice.html": "chooses what is shown",
    "fleet/list.html": "filters of a list",
    "fleet/_rows.html": "boxes that pick rows of a list",
    "web/_head.html": "the box that picks all rows of a page",
    "audit/_row.html": "the box that picks a row",
    "audit/compare.html": "chooses what is shown",
    "pairs/_guide.html": "chooses what is shown",
    "browse/browse.html": "the filter of a list of choices",
    "history/restore.html": "a box in each row of a plan",
    "applications/_option_row.html": "a row of a table: the columns' heads are its labels",
    "web/_kept.html": "whatever a form that is not known here has to be given again",
}
"""{template that writes something to type into by hand: why it is no field of a form}."""


def test_fields_of_forms_are_drawn_by_the_pack_alone():
    found = {name for name, text in templates().items() if not name.startswith(PACK) and BY_HAND.search(text)}
    assert found == NO_FIELDS.keys()


FORM = re.compile(r"<form\b(?:\{%.*?%\}|\{\{.*?\}\}|\"[^\"]*\"|'[^']*'|[^>\"'])*>", re.DOTALL)


def test_whoever_asks_for_another_list_gives_up_what_the_list_asked_for_itself():
    """The rows of before would come last, and stand there under a filter that leaves them out."""
    asking = {f"{name}: {tag[:60]}" for name, text in templates().items() for tag in re.findall(r"<[^/!][^>]*>", text)
              for target in re.findall(r'hx-target="(#rows|#live-list)"', tag)
              if f'hx-sync="{target}:replace"' not in tag}
    assert asking == set()


def test_no_form_is_refused_by_a_bubble_of_the_browser():
    """What is wrong is said by the console, beside its field and in its words."""
    forms = [(name, form) for name, text in templates().items() for form in FORM.findall(text)]
    silent = [(name, form) for name, form in forms
              if 'method="get"' not in form and "novalidate" not in form and " hidden" not in form]
    assert len(forms) > 30
    assert silent == []


ATTRIBUTES = r"(?:\{%.*?%\}|\{\{.*?\}\}|\"[^\"]*\"|'[^']*'|[^>\"'])*"
PRESSED = re.compile(rf"<(a|button|summary)\b({ATTRIBUTES})>(.*?)</\1>", re.DOTALL)
LABEL = re.compile(r'aria-label="((?:\{%.*?%\}|\{\{.*?\}\}|[^"])*)"', re.DOTALL)


def words_of(source: str) -> str:
    """What ``source`` writes: its variables stay, tags of HTML and of templates go."""
    return " ".join(re.sub(rf"\{{%.*?%\}}|<{ATTRIBUTES}>", " ", source, flags=re.DOTALL).split())


def mislabelled(text: str) -> list[tuple[str, str]]:
    """[(words that are seen, label)] of what is pressed and is labelled by other words."""
    labelled = [(words_of(inner), words_of(label.group(1))) for _, attributes, inner in PRESSED.findall(text)
                if (label := LABEL.search(attributes))]
    return [(seen, label) for seen, label in labelled if re.search(r"\w", seen) and seen not in label]


def test_what_is_pressed_is_called_by_the_words_that_are_seen_on_it():
    """Who speaks to a browser says what stands there (WCAG 2.5.3)."""
    assert mislabelled('<a aria-label="Add an exception for {{ it }}">{% icon "x" %}<b>Add exception</b></a>') == [
        ("Add exception", "Add an exception for {{ it }}")]
    assert mislabelled('<button aria-label="Page {{ n }}">{{ n }}</button><a aria-label="Close">×</a>') == []
    assert {name: found for name, text in templates().items() if (found := mislabelled(text))} == {}
