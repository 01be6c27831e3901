"""Rules on a single text or number: length, blanks, control characters, ranges, parameter lists; and how both are
written."""

import re
import unicodedata
from datetime import timedelta
from math import floor

from provisioning.errors import Refusal
from provisioning.models.applications import is_secret_option

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
"""Halves of pairs of surrogates too: they are no characters, and nothing that holds one can be written."""
_PARAMETER_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*\Z")


_HIDDEN = re.compile("[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
                     "\u3164\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
                     "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Signs without width, those that turn text around, and control characters but for line breaks and tabs."""


_UNSEEN = frozenset({"Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})
"""Unicode categories of what nobody sees or types: two names that look equal would be different ones."""


KEY_DIGITS = 18
"""Of the largest key that both databases take, less one."""


def has_control_characters(text: str) -> bool:
    return bool(_CONTROL.search(text))


def strange(text: object) -> str:
    """What somebody else wrote (a client, a host, whoever tried to sign in), as a page shows it: what nobody sees, and
    what turns text around, is written out as ``[U+202E]``. ``text`` itself stays what addresses are made of."""
    return _HIDDEN.sub(lambda sign: f"[U+{ord(sign[0]):04X}]", str(text))


def closed(text: str) -> str:
    """``text`` as a sentence that another one may follow: with its full stop, "" as it is."""
    text = text.rstrip()
    return text if not text or text[-1] in ".?:!" else f"{text}."


def duration(seconds: float | timedelta | None) -> str:
    """``0.4 s``, ``12 s``, ``4 min``, ``2 h 5 min``, ``3 days``."""
    if seconds is None:
        return "–"
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    seconds = max(0.0, float(seconds))
    if seconds < 0.1:
        return "0 s"
    if seconds < 1:
        return f"{int(seconds * 10) / 10} s"
    if seconds < 120:
        return f"{int(seconds)} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} days"


def so_far(seconds: float | timedelta | None) -> str:
    """How long something has been going on, in whole seconds: a page that counts on (static/js/times.js) shows these
    words, too."""
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    return duration(None if seconds is None else float(floor(seconds)))


def text_refusals(text: object, *, field: str, label: str, longest: int) -> list[Refusal]:
    """Too long, or with characters that no line of a file or log can hold."""
    if not isinstance(text, str):
        return [Refusal(f"{label} must be text.", field)]
    if len(text) > longest:
        return [Refusal(f"{label} has {len(text)} characters; {longest} fit.", field)]
    if has_control_characters(text):
        return [Refusal(f"{label} holds a line break or another control character. Remove it.", field)]
    return []


DASH = 'Name begins with "-": programs would take it for one of their options. Begin it with another character.'


def name_refusals(name: str, *, what: str) -> list[Refusal]:
    """Names that start files, queues and people can all hold. A name is never a path or an address: directories are
    made of its safe characters (verbs.services.jobs.directory_name), addresses of keys; so / ? * and the like do no
    harm."""
    if not isinstance(name, str) or not name.strip():
        return [Refusal(f"{what} needs a Name.", "name")]
    refusals = text_refusals(name, field="name", label="Name", longest=255)
    if name != name.strip():
        refusals.append(Refusal("Name begins or ends with a blank. Remove it.", "name"))
    if name.startswith("-"):
        refusals.append(Refusal(DASH, "name"))
    if '"' in name or "\\" in name:
        refusals.append(Refusal('Name holds " or \\, which start files cannot quote. Use another character.', "name"))
    unseen = next((sign for sign in name.strip() if sign != " " and unicodedata.category(sign) in _UNSEEN), "")
    if unseen and not refusals:
        refusals.append(Refusal(f"Name holds a character that cannot be seen (U+{ord(unseen):04X}). Type the name "
                                "anew.", "name"))
    return refusals


def number_refusals(number: int, *, field: str, label: str, least: int, most: int, unit: str = "") -> list[Refusal]:
    if isinstance(number, bool) or not isinstance(number, int):
        return [Refusal(f"{label} must be a whole number.", field)]
    if not least <= number <= most:
        unit = f" {unit}" if unit else ""
        return [Refusal(f"{label} is {number}; it must lie between {least} and {most}{unit}.", field)]
    return []


def parse_parameters(text: str) -> dict[str, str]:
    """``a=1;b=2`` as a dict. Raises ValueError with the sentence that says what is wrong."""
    parameters: dict[str, str] = {}
    for part in text.split(";") if text else ():
        key, equals, value = part.partition("=")
        if not equals or not _PARAMETER_KEY.match(key) or value != value.strip():
            raise ValueError(f'cannot read "{part}". Write name=value, several joined with ";", '
                             'without blanks around "=" and ";".')
        if key in parameters:
            raise ValueError(f'has "{key}" twice. Keep one.')
        parameters[key] = value
    return parameters


def parameter_refusals(text: str, *, field: str, label: str) -> list[Refusal]:
    refusals = text_refusals(text, field=field, label=label, longest=1024)
    if refusals:
        return refusals
    try:
        parameters = parse_parameters(text)
    except ValueError as error:
        return [Refusal(f"{label} {error}", field)]
    return [Refusal(f'{label} hold "{name}", a secret, and everybody who signs in can read them. Put it into a file '
                    "that only the server's account reads, or into an option, which is stored encrypted.", field)
            for name, value in parameters.items() if is_secret_option("", name) or "PRIVATE KEY" in value]


def file_word(text: str, most: int = 80) -> str:
    """``text`` as a part of a file's name on any system."""
    return "".join(each if each.isascii() and (each.isalnum() or each in "-_.") else "_" for each in text)[:most]


def key_of(text: object) -> int | None:
    """The key of an object that a browser sent as text; None for anything else."""
    text = str(text or "")
    return int(text) if text.isdecimal() and len(text) <= KEY_DIGITS else None
