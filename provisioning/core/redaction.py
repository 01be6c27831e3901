"""Takes secrets out of what leaves the console, and finds them in whatever form they may have. Pure."""

import base64
import html
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

from provisioning.models.applications import MASK, is_secret_option

SHORTEST = 4
"""Shorter values stand in too many innocent places to be looked for."""
ANYWHERE = 8
"""From so many characters on a value is looked for within words and in its encodings, below only as a word."""
_KEYED = re.compile(
    r"((?:passw|pass[-_]?phrase|passcode|pwd|secret|private[-_]?key|token|credential|api[-_]?key)[\w.-]{0,24}[\"']?"
    r"[ \t]{0,3}[=:][ \t]{0,3})(\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^\s,;&\"']+)", re.IGNORECASE)
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]{0,20}://[^\s/:@]{0,256}:)[^\s@/]{1,512}(?=@)", re.IGNORECASE)
_HEADER = re.compile(r"\b((?:proxy-)?authorization|(?:set-)?cookie)"
                     r"([\"']?[ \t]{0,3}[:=][ \t]{0,3})[^\n]+", re.IGNORECASE)
_API_TOKEN = re.compile(r"(pw_[A-Za-z0-9]{8}_)[A-Za-z0-9]+")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
                          re.DOTALL)


class Redactor:
    """Knows the ``secrets`` of some objects. What is masked says MASK."""

    def __init__(self, secrets: Iterable[str]):
        known = {secret for secret in secrets if secret and secret != MASK}
        self.too_short = sum(len(secret) < SHORTEST for secret in known)
        self._forms = sorted({form for secret in known if len(secret) >= ANYWHERE for form in forms_of(secret)},
                             key=lambda form: (-len(form), form))
        words = sorted((secret for secret in known if SHORTEST <= len(secret) < ANYWHERE), key=lambda word: -len(word))
        self._words = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)") if words else None

    def exact(self, text: str) -> str:
        """``text`` without the known secrets, nothing else touched."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return self._words.sub(MASK, text) if self._words else text

    def text(self, text: str) -> str:
        """``text`` without the known secrets, and without what looks like one: values of keys that name a secret,
        passwords in addresses, cookies, API tokens, private keys."""
        text = _API_TOKEN.sub(rf"\1{MASK}", _PRIVATE_KEY.sub(MASK, self.exact(text)))
        text = _HEADER.sub(rf"\1\2{MASK}", _ADDRESS.sub(rf"\1{MASK}", text))
        return _KEYED.sub(_masked, text)

    def value(self, value: Any, section: str = "") -> Any:
        """A JSON value with every text in it as ``text`` leaves it, and those under a key that names a secret
        masked."""
        if isinstance(value, dict):
            return {self.exact(str(key)): self._of_key(section, str(key), each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(each, section) for each in value]
        return self.text(value) if isinstance(value, str) else value

    def _of_key(self, section: str, key: str, value: Any) -> Any:
        if isinstance(value, str) and value and is_secret_option(section, key):
            return MASK
        return self.value(value, key)

    def found_in(self, text: str) -> bool:
        """Whether a known secret is left in ``text``, in any form."""
        return any(form in text for form in self._forms) or bool(self._words and self._words.search(text))


def _masked(match: re.Match[str]) -> str:
    mark = match[2][0] if match[2][0] in "\"'" else ""
    return f"{match[1]}{mark}{MASK}{mark}"


def forms_of(secret: str) -> set[str]:
    """``secret`` as it may stand in a text: as it is, escaped, percent-encoded, in hexadecimal digits, in base64 by
    itself or within something longer."""
    raw = secret.encode(errors="surrogatepass")
    found = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1],
             html.escape(secret), raw.hex(), raw.hex().upper()}
    found |= {quote(raw), quote(raw, safe=""), quote_plus(raw)}
    for before in range(3):
        coded = _middle_of_base64(raw, before)
        found |= {coded, coded.translate(str.maketrans("+/", "-_"))}
    return {form for form in found if len(form) >= ANYWHERE}


def _middle_of_base64(raw: bytes, before: int) -> str:
    """The characters of base64 that depend on ``raw`` alone when ``before`` bytes stand in front in its first group."""
    coded = base64.b64encode(b"\0" * before + raw).decode()
    first = (0, 2, 3)[before]
    last = (0, 3, 2)[(before + len(raw)) % 3]
    return coded[first:len(coded) - last]
