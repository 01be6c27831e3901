"""Guide step 5, pure: how the backup of a pair differs from its primary, what of it is intended, what is copied.

Everything goes from primary to backup, never the other way.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from provisioning.core.text import parse_parameters
from provisioning.declared import compared
from provisioning.drafts import ApplicationDraft, PortDraft
from provisioning.models.applications import MASK, PORT_MAX, is_secret_option
from provisioning.states import ListeningMode

from .members import Member

EQUAL, DIFFERS, EXCEPTION = "equal", "differs", "exception"
NOTHING = "(none)"

TABLES = {"options": "Options", "annex": "Annex"}
OF_PORT = {"port": "Port", "transport_parameters": "Transport Parameters"}
WHOLE = {"template": "Application Template", "version": "Version", "connections": "Connections",
         "ports": "Listening Ports"}
"""What ``Row.what`` begins with, or names a field of a port, in the words of the editor."""
SERVER_INFO, PORT = compared(ApplicationDraft), compared(PortDraft)
OWN_TRANSPORT = {"certificate": "certificate", "certificate-key": "private key", "address": "address"}
"""Transport Parameters that belong to one member (domain.md 5.11)."""
NEEDED = frozenset({"certificate", "certificate-key"})
"""Those without which a member that should have one cannot open the port."""
_MODES = {str(mode): str(mode.label) for mode in ListeningMode}
LOG_OUTPUTS = frozenset({"all", "alarm", "standard", "interaction", "trace", "debug", "memory", "spool"})
OWN_LOG, OWN_NUMBER = "Each member writes log files of its own.", "Each member has port numbers of its own."
GUIDE_RESTARTS = "The guide wants Auto-Restart on the backup, whatever the primary has."


@dataclass(frozen=True)
class Row:
    """One thing that both members have, or one of them.

    ``what`` names it (see models.PairException); ``state`` is EQUAL, DIFFERS or EXCEPTION (with its ``reason``);
    ``action`` says what is done or left to do, "" for nothing; ``copied``: Synchronize does it. Secrets are masked.
    """

    what: str
    label: str
    primary: str
    backup: str
    state: str = EQUAL
    reason: str = ""
    action: str = ""
    copied: bool = False

    @property
    def gives_no_value(self) -> bool:
        """Whether what is done is not that the backup gets the primary's value: something goes, or is made anew."""
        new_port = self.backup == "(none)" and self.what.startswith("ports.")
        return self.primary in ("(none)", self.backup) or new_port


@dataclass(frozen=True)
class Comparison:
    """``rows`` in the order of the editor; ``draft`` is the backup as it is to be."""

    rows: tuple[Row, ...]
    draft: ApplicationDraft

    @property
    def copied(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.copied)


def compare(primary: Member, backup: Member, *, exceptions: Mapping[str, str],
            taken: frozenset[int] = frozenset()) -> Comparison:
    """Of members whose drafts have all rows, with secrets in plain text (to look only: or as fingerprints).
    ``exceptions`` is {what: reason} as declared for this pair; one for ``ports.x`` covers everything of that port.
    ``taken`` are the port numbers in use on the backup's host, its own included."""
    work = _Comparing(primary, backup, exceptions, set(taken))
    rows = (*work.server_info(), *work.connections(), *work.ports(), *work.tables("options"), *work.tables("annex"))
    return Comparison(rows, work.draft)


def alike(primary: Member, backup: Member) -> bool:
    """True when it takes no rules to see that nothing differs but port numbers: a comparison of them would find no row
    that differs. Of thousands of pairs, most are."""
    ours, theirs = primary.draft, backup.draft
    return (
        all(getattr(ours, name) == getattr(theirs, name) for name in SERVER_INFO)
        and ours.options == theirs.options and ours.annex == theirs.annex
        and not ours.connections and not theirs.connections
        and (primary.template, primary.version) == (backup.template, backup.version)
        and _without_numbers(ours) == _without_numbers(theirs))


def _without_numbers(draft: ApplicationDraft) -> list[tuple[object, ...]]:
    return [tuple(getattr(port, name) for name in (*PORT, "transport_parameters")) for port in draft.ports or ()]


def label_of(what: str, rows: Iterable[Row] = ()) -> str:
    """``what`` (``Row.what``, or the part before one of its dots) as people read it. ``rows`` of a comparison settle
    where a section or a port ID with dots ends; without them it ends at its first dot."""
    exact = next((row.label for row in rows if row.what == what), "")
    if exact:
        return exact
    kind, _, rest = what.partition(".")
    name, _, field = rest.partition(".")
    if kind in TABLES and rest:
        return f"{TABLES[kind]} [{name}] {field}".rstrip()
    if kind == "ports" and rest:
        word, _, parameter = field.partition(".")
        words = f": {PORT.get(word) or OF_PORT.get(word, word)}" if word else ""
        return f"Listening Port {name}{words} {parameter}".rstrip()
    return SERVER_INFO.get(what) or WHOLE.get(what) or TABLES.get(what, what)


class _Comparing:
    def __init__(self, primary: Member, backup: Member, exceptions: Mapping[str, str], taken: set[int]):
        self.primary, self.backup, self.exceptions, self.taken = primary, backup, exceptions, taken
        self.draft = backup.draft

    def declared(self, what: str) -> str:
        """The reason of the exception that covers ``what``, "" when there is none."""
        return next((reason for known, reason in self.exceptions.items()
                     if what == known or what.startswith(f"{known}.")), "")

    def row(self, what: str, label: str, primary: str, backup: str, *, equal: bool, own: str = "",
            action: str = "") -> Row:
        """A row of something that is copied, unless it is equal or excepted (``own``: by nature)."""
        reason = "" if equal else self.declared(what) or own
        if equal or reason:
            return Row(what, label, primary, backup, EXCEPTION if reason else EQUAL, reason)
        return Row(what, label, primary, backup, DIFFERS, "", action or f"{self.backup.name} gets {primary}.", True)

    def server_info(self) -> Iterator[Row]:
        for name, label in SERVER_INFO.items():
            ours, theirs = getattr(self.primary.draft, name), getattr(self.backup.draft, name)
            own = GUIDE_RESTARTS if name == "auto_restart" and theirs and not ours else ""
            unit = " s" if name.endswith("timeout") else ""
            row = self.row(name, label, f"{_text(ours)}{unit}", f"{_text(theirs)}{unit}", equal=ours == theirs, own=own)
            if row.copied:
                self.draft = replace(self.draft, **{name: ours})
            yield row
        for what, advice in (("template", "Create the backup from the same template."),
                             ("version", "Install the same version on both.")):
            ours, theirs = getattr(self.primary, what), getattr(self.backup, what)
            row = self.row(what, WHOLE[what], ours, theirs, equal=ours == theirs, action=advice)
            yield replace(row, copied=False)

    def connections(self) -> Iterator[Row]:
        wanted = [(text, draft) for text, draft in zip(self.primary.connections, self.primary.draft.connections or (),
                                                       strict=True) if draft.server_id != self.backup.id]
        ours, theirs = tuple(draft for _, draft in wanted), self.backup.draft.connections or ()
        row = self.row("connections", WHOLE["connections"], "; ".join(text for text, _ in wanted) or NOTHING,
                       "; ".join(self.backup.connections) or NOTHING, equal=ours == tuple(theirs))
        if row.copied:
            self.draft = replace(self.draft, connections=ours)
        yield row

    # --- options and annex

    def tables(self, name: str) -> Iterator[Row]:
        ours, theirs = (_flat(getattr(side.draft, name)) for side in (self.primary, self.backup))
        result: dict[str, dict[str, str]] = {}
        # In the primary's order, then what only the backup has; upper and lower case are one name.
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            section, option = (ours.get(key) or theirs[key])[:2]
            left, right = (side[key][2] if key in side else None for side in (ours, theirs))
            row = self._option(f"{name}.{section}.{option}", f"{TABLES[name]} [{section}] {option}", section, option,
                               left, right)
            kept = left if row.copied or row.state == EQUAL else right
            if kept is not None:
                result.setdefault(section, {})[option] = kept
            yield row
        found: dict[str, Any] = {name: result}
        self.draft = replace(self.draft, **found)

    def _option(self, what: str, label: str, section: str, key: str, left: str | None, right: str | None) -> Row:
        own = OWN_LOG if section.casefold() == "log" and key.casefold() in LOG_OUTPUTS else ""
        action = f"{self.backup.name} loses it." if left is None else ""
        shown = [NOTHING if value is None else value for value in (left, right)]
        if is_secret_option(section, key):
            shown = [NOTHING if value is None else MASK for value in (left, right)]
            action = action or f"{self.backup.name} gets the value of {self.primary.name}."
        return self.row(what, label, *shown, equal=left == right, own=own, action=action)

    # --- ports

    def ports(self) -> Iterator[Row]:
        ours, theirs = ({port.port_id.casefold(): port for port in side.draft.ports or ()}
                        for side in (self.primary, self.backup))
        result = []
        for key, port in ours.items():
            rows, kept = self._one_port(port, theirs[key]) if key in theirs else self._missing_port(port)
            result += [kept] if kept else []
            yield from rows
        for key, port in theirs.items():
            if key not in ours:
                row = self.row(f"ports.{port.port_id}", f"Listening Port {port.port_id}", NOTHING, str(port.port),
                               equal=False, action=f"{self.backup.name} loses this port: {self.primary.name} has none "
                                                   "of this ID.")
                result += [] if row.copied else [port]
                yield row
        self.draft = replace(self.draft, ports=tuple(result))

    def _one_port(self, ours: PortDraft, theirs: PortDraft) -> tuple[list[Row], PortDraft]:
        """The rows of a port that both have, and the backup's as it is to be."""
        at, label = f"ports.{ours.port_id}", f"Listening Port {ours.port_id}"
        rows, kept = [self.row(f"{at}.port", f"{label}: {OF_PORT['port']}", str(ours.port), str(theirs.port),
                               equal=ours.port == theirs.port, own=OWN_NUMBER)], theirs
        for name, words in PORT.items():
            left, right = getattr(ours, name), getattr(theirs, name)
            row = self.row(f"{at}.{name}", f"{label}: {words}", _text(left) or NOTHING, _text(right) or NOTHING,
                           equal=left == right)
            kept = replace(kept, **{name: left}) if row.copied else kept
            rows.append(row)
        transport, text = self._transport(f"{at}.transport_parameters", f"{label}: {OF_PORT['transport_parameters']}",
                                          ours, theirs)
        return rows + transport, replace(kept, transport_parameters=text)

    def _transport(self, what: str, label: str, ours: PortDraft, theirs: PortDraft) -> tuple[list[Row], str]:
        left, right = _parameters(ours), _parameters(theirs)
        (shared, _), (kept, own) = _divided(left), _divided(right)
        row = self.row(what, label, _joined(shared) or NOTHING, _joined(kept) or NOTHING, equal=shared == kept)
        rows = [row, *(self._own_parameter(f"{what}.{key}", f"{label} {key}", key, left.get(key), right.get(key))
                       for key in OWN_TRANSPORT if left.get(key) != right.get(key))]
        return rows, _joined({**shared, **own}) if row.copied else theirs.transport_parameters

    def _own_parameter(self, what: str, label: str, key: str, left: str | None, right: str | None) -> Row:
        """A parameter that is never copied; one that the backup needs and does not have is left to people."""
        words, declared = OWN_TRANSPORT[key], self.declared(what)
        ours, theirs = (NOTHING if value is None else value for value in (left, right))
        if right is None and key in NEEDED and not declared:
            return Row(what, label, ours, theirs, DIFFERS, "", f"Enter the {words} of {self.backup.name} in Port Info.")
        return Row(what, label, ours, theirs, EXCEPTION, declared or f"Each member has its own {words}.")

    def _missing_port(self, port: PortDraft) -> tuple[list[Row], PortDraft | None]:
        number = _free(port.port, self.taken)
        shared, own = _divided(_parameters(port))
        enter = " and ".join(OWN_TRANSPORT[key] for key in own if key in NEEDED)
        row = self.row(
            f"ports.{port.port_id}", f"Listening Port {port.port_id}", str(port.port), NOTHING, equal=False,
            action=f"{self.backup.name} gets this port with number {number}, which is free on "
                   f"{f'host {self.backup.host.name}' if self.backup.host else 'its host'}."
                   f"{f' Then enter its {enter} in Port Info.' if enter else ''}")
        if not row.copied:
            return [row], None
        self.taken.add(number)
        return [row], replace(port, port=number, transport_parameters=_joined(shared))


def _free(wanted: int, taken: set[int]) -> int:
    """``wanted`` or the next number that is not taken, beginning anew after the last; ``wanted`` when all are."""
    numbers = (*range(wanted, PORT_MAX + 1), *range(1024, wanted))
    return next((number for number in numbers if number not in taken), wanted)


def _divided(parameters: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Those that both members should have, and those that belong to one."""
    own = {key: value for key, value in parameters.items() if key in OWN_TRANSPORT}
    return {key: value for key, value in parameters.items() if key not in own}, own


def _flat(table: dict[str, dict[str, str]] | None) -> dict[tuple[str, str], tuple[str, str, str]]:
    return {(section.casefold(), key.casefold()): (section, key, value)
            for section, keys in (table or {}).items() for key, value in keys.items()}


def _parameters(port: PortDraft) -> dict[str, str]:
    try:
        return parse_parameters(port.transport_parameters)
    except ValueError:
        # Written before the rules knew better: it stays one text.
        return {"": port.transport_parameters}


def _joined(parameters: dict[str, str]) -> str:
    return ";".join(f"{key}={value}" if key else value for key, value in parameters.items())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return _MODES.get(value) or str(value)
