"""One object that a file lists by name alone (listed.py), against what is stored."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from provisioning.errors import Difference
from provisioning.models.applications import MASK
from provisioning.notifications.selectors.notifications import names_there

from .listed import CONDITIONS, LISTED, Listed, Names
from .manifest import Manifest
from .world_rows import _some


@dataclass(frozen=True)
class ListedDraft:
    """``draft`` is whole and was accepted; ``key`` is its row's kind in LISTED."""

    key: str
    draft: Any


def stored(key: str, names: Iterable[str]) -> dict[str, Any]:
    """{name: row} of those that are there."""
    return {row.name: row for some in _some(names) for row in LISTED[key].stored().filter(name__in=some)}


def names_with(manifest: Manifest) -> Names:
    """Of what there is, and of what the file creates."""
    in_file, there = manifest.listed, names_there()
    names = {key: {*kind.stored().values_list("name", flat=True), *(spec["name"] for spec in in_file.get(key, ()))}
             for key, kind in LISTED.items()}
    pairs = ((spec["name"], spec["backup"]) for spec in manifest.applications if spec.get("backup"))
    return names | {
        "conditions": names[CONDITIONS], "hosts": there["hosts"] | {spec["name"] for spec in manifest.hosts},
        "applications": there["applications"] | {spec["name"] for spec in manifest.applications},
        "pairs": there["pairs"] | {name for pair in pairs for name in pair}}


def differences(kind: Listed, row: Any, draft: Any) -> tuple[Difference, ...]:
    """What ``draft`` changes, field by field; of a new one (``row`` None) all that is not so by itself."""
    before = kind.drafted({"name": draft.name}, row)
    old, new, secrets = kind.values(before), kind.values(draft), kind.secrets(draft)
    labels = {**kind.labels(before), **kind.labels(draft)}
    rows = [Difference(name, labels.get(name, name), _shown(name, old.get(name), ()),
                       _shown(name, new.get(name), secrets)) for name in {**old, **new}]
    changed = tuple(each for each in rows if each.theirs != each.yours)
    return changed if row is not None else tuple(replace(each, theirs="") for each in changed)


def _shown(name: str, value: Any, secrets: Collection[str]) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if name in secrets and value not in (None, "", MASK):
        return f"{MASK} (new value)"
    return ", ".join(map(_word, value)) if isinstance(value, list) else "" if value is None else str(value)


def _word(value: str | Mapping[str, str]) -> str:
    return value if isinstance(value, str) else " ".join(f"{key} {text}" for key, text in value.items())
