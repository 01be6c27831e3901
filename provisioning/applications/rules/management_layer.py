"""What section [sml] of an Annex means to the host's agent. Pure."""

from collections.abc import Mapping

from provisioning.catalog.known_options import ANNEX, SML
from provisioning.catalog.valid_values import read_valid_values


def management_layer(annex: Mapping[str, Mapping[str, str]]) -> dict[str, int | bool]:
    """The fields of ``protocol.messages.Supervised`` that it says: suspending_wait_timeout and heartbeat_period in
    seconds, hangup_restart. What is missing or makes no sense is the default, a number out of bounds the nearest."""
    return {"suspending_wait_timeout": _seconds(annex, "suspending-wait-timeout"),
            "heartbeat_period": _seconds(annex, "heartbeat-period"),
            "hangup_restart": _text(annex, "hangup-restart").casefold() == "true"}


def _text(annex: Mapping[str, Mapping[str, str]], key: str) -> str:
    """What is said, or the default."""
    said, known = ANNEX.said(annex, SML, key).strip(), ANNEX.options[SML][key]
    makes_sense = said and (said.isdecimal() or ANNEX.valid(SML, key).allow(said))
    return said if makes_sense else known["value"]


def _seconds(annex: Mapping[str, Mapping[str, str]], key: str) -> int:
    text, valid = _text(annex, key), read_valid_values(ANNEX.options[SML][key]["valid"])
    [span] = valid.ranges
    return int(text) if text in valid.words else min(max(int(text), span.low), span.high)
