"""The options that an Application Template knows: which a server reads, and what each may be set to."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from provisioning.errors import Refusal
from provisioning.models.applications import MASK, is_secret_option

from .valid_values import ValidValues, read_valid_values

SHOWN = 40


@dataclass(frozen=True)
class KnownOptions:
    """``options`` as in ApplicationTemplate.options. Section and key are found as servers find them: upper and lower
    case are equal, and so are - and _. ``reader`` reads them, and ``complete``: no other sections."""

    options: Mapping[str, Mapping[str, Mapping[str, str]]]
    complete: bool = True
    reader: str = "The server"

    def find(self, section: str, key: str) -> Mapping[str, str] | None:
        """What the template says of an option (value, help, valid); None when it says nothing."""
        keys = self._section(section) or {}
        return next((entry for name, entry in keys.items() if _plain(name) == _plain(key)), None)

    def valid(self, section: str, key: str) -> ValidValues:
        """What the option may be set to; anything when the template does not say."""
        return read_valid_values((self.find(section, key) or {}).get("valid", ""))

    def hint(self, section: str, key: str) -> str:
        """Why the server ignores an option, for an option that it does not know; "" for one that it reads."""
        keys = self._section(section)
        if not self.options or self.find(section, key) or keys == {} or (keys is None and not self.complete):
            return ""
        near = _near(section, self.options) if keys is None else _near(key, keys)
        meant = f" Did you mean {near}?" if near else ""
        if keys is None:
            return f"{self.reader} knows no section [{section}] and ignores it.{meant}"
        return f"{self.reader} knows no {key} in section [{section}] and ignores it.{meant}"

    def said(self, table: Mapping[str, Mapping[str, str]], section: str, key: str) -> str:
        """What ``table`` says of an option, found as servers find it; "" for nothing."""
        return next((value for name, keys in table.items() if _plain(name) == _plain(section)
                     for each, value in keys.items() if _plain(each) == _plain(key)), "")

    def _section(self, section: str) -> Mapping[str, Mapping[str, str]] | None:
        return next((keys for name, keys in self.options.items() if _plain(name) == _plain(section)), None)


SML = "sml"
ANNEX = KnownOptions({SML: {
    "suspending-wait-timeout": {
        "value": "10", "help": "Seconds that a graceful stop waits for clients to finish.", "valid": "5-600"},
    "heartbeat-period": {
        "value": "10", "valid": "0, 3-604800", "help":
        "Seconds without a sign of life after which a server that its agent started counts as hanging; 0 = never."},
    "hangup-restart": {
        "value": "true", "valid": "true, false", "help":
        "true: a server that hangs is killed and started again if its Auto-Restart is on; false: it is only reported."},
}}, complete=False, reader="The Management Layer")
"""Settings of the Management Layer in the Annex (domain.md 1.2). Its other sections are nobody's business."""


def _plain(name: str) -> str:
    return name.strip().casefold().replace("_", "-")


def _near(name: str, known: Mapping) -> str:
    found = difflib.get_close_matches(_plain(name), {_plain(each): each for each in known}, n=1, cutoff=0.7)
    return next((each for each in known if found and _plain(each) == found[0]), "")


def value_refusals(known: KnownOptions, section: str, key: str, value: str, at: str) -> list[Refusal]:
    """A value that makes no sense to the server, which would use another one without a word on the page."""
    valid = known.valid(section, key)
    if valid.allow(value) or value == MASK:
        return []
    shown = "the value" if is_secret_option(section, key) else f'"{value[:SHOWN]}"'
    return [Refusal(f"[{section}] {key} cannot be {shown}: it is {valid}, or empty for the default.", at)]


def unknown_options(known: KnownOptions, table: Mapping[str, Mapping[str, str]]) -> list[str]:
    """A sentence for each option of ``table`` that the server ignores."""
    return [hint for section, keys in table.items() for key in keys if (hint := known.hint(section, key))]
