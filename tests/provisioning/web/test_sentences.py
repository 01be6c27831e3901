"""A refusal names objects, and each is a link, whatever it is called."""

from html.parser import HTMLParser
from itertools import product

from provisioning.errors import Link, Refusal
from provisioning.web.answers import address_of, sentence

NAMES = ["a", "href", "/", "1", "amp", "MS", "MS_Primary", "<b>", '"', "&lt;", "</a>", "\0", "a href", "Primary", "é"]


class Read(HTMLParser):
    """The text of a sentence, and its links."""

    def __init__(self, html):
        super().__init__()
        self.text, self.links, self._open = "", {}, None
        self.feed(html)
        self.close()
        assert self._open is None

    def handle_starttag(self, tag, attrs):
        assert (tag, [name for name, _ in attrs], self._open) == ("a", ["href"], None)
        self._open = attrs[0][1]
        self.links[self._open] = ""

    def handle_endtag(self, tag):
        assert tag == "a"
        self._open = None

    def handle_data(self, data):
        self.text += data
        if self._open:
            self.links[self._open] += data


def link(key, name):
    return Link("application", str(key), name)


def test_each_object_is_a_link_and_the_text_is_as_it_was():
    for first, second in product(NAMES, NAMES):
        links = (link(11, first), link(12, second))
        message = f"{first} is the backup of {second}: a href of MS_Primary & others."
        found = Read(sentence(Refusal(message, links=links)))
        expected = {address_of(each): each.name for each in links}
        assert found.links == expected, message
        assert found.text.startswith(message.replace("\0", "\ufffd")), message


def test_a_name_within_another_one_is_no_link():
    found = sentence(Refusal("MS_Primary cannot follow MS.", links=(link(1, "MS"), link(2, "MS_Primary"))))
    assert found == (f'<a href="{address_of(link(2, ""))}">MS_Primary</a> cannot follow '
                     f'<a href="{address_of(link(1, ""))}">MS</a>.')


def test_an_object_that_the_sentence_does_not_name_is_added():
    found = sentence(Refusal("It is in use.", links=(link(1, "a"),)))
    assert found == f'It is in use. (<a href="{address_of(link(1, ""))}">a</a>)'
