"""Pages as tests compare them: how the source of a page is laid out on lines is no concern of theirs."""

import re

_INSIDE = re.compile(r"(<[a-z][^>]*>) | (?=</)| (?=/?>)|(?<=>) (?=<)")


def flat(page) -> str:
    """``page`` (a response or its text) on one line: runs of white space are one blank, and there is none just inside
    of an element, between two tags and at the end of a tag."""
    text = page if isinstance(page, str) else page.content.decode()
    return _INSIDE.sub(r"\1", " ".join(text.split()))
