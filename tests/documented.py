"""Commands that documents tell people to type."""

import re
import shlex
from collections.abc import Iterator
from itertools import product

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`((?:[A-Z_]+=\S+ )*(?:\./run|manage\.py|\./manage\.py|(?:sudo )?pairwise)(?: [^`]*)?)`")
BEGINS = re.compile(r"(?:(?:^|[ (])(?=\./run|(?:python )?manage\.py)|^(?:sudo |(?:[-*/,0-9]+ ){5}root (?:PATH=\S+ )?)?"
                    r"(?=pairwise))(\./run|(?:python )?manage\.py|pairwise)(?= |$)")


def lines(text: str) -> Iterator[tuple[str, bool]]:
    """(a line that begins with a command of ours, whether all of it is there)."""
    for _, language, body in FENCE.findall(text):
        if language in ("", "sh", "console", "bash"):
            yield from ((line, True) for line in re.sub(r"\\\n\s*", "", body).splitlines() if BEGINS.search(line))
    yield from ((span, False) for span in SPAN.findall(FENCE.sub("", text)))


def commands(line: str) -> list[list[str]]:
    """The words of each command that ``line`` shows; with [ ] what may be left out is there, a|b is each of these."""
    begin = BEGINS.search(line)
    text = re.sub(r"\$\([^)]*\)", "…", line[begin.start(1):])
    text = re.split(r"\s{2,}|\s#|\s\||\s>|\s&&|;", text, maxsplit=1)[0].strip(")")
    text = re.sub(r"\s*\.\.\.|…", "", text).replace("[", "").replace("]", "")
    words = shlex.split(text)
    return [list(chosen) for chosen in product(*(word.split("|") for word in words))]
