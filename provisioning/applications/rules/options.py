"""Rules on options, annex and connections of an application."""

from protocol.said import is_legible
from provisioning.catalog.known_options import ANNEX, KnownOptions, value_refusals
from provisioning.core.text import has_control_characters, number_refusals, parameter_refusals
from provisioning.drafts import ApplicationDraft, ConnectionDraft
from provisioning.errors import Refusal
from provisioning.models.applications import MASK, TIMEOUT_MAX_S, is_secret_option
from provisioning.states import SERVER_TYPES

from .facts import ApplicationFacts

MAX_OPTIONS, MAX_NAME, MAX_VALUE, MAX_CONNECTIONS = 2000, 128, 8192, 256
_NOT_IN_SECTION, _NOT_IN_KEY = frozenset("[]"), frozenset("=[]")


def options_and_annex(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    stored = facts.stored.secrets if facts.stored else frozenset()
    known = KnownOptions(facts.template.options if facts.template else {})
    return (_table(draft.options, "options", stored, known) +
            _table(draft.annex, "annex", stored, ANNEX))


def _table(table: dict[str, dict[str, str]] | None, field: str, stored: frozenset[tuple[bool, str, str]],
           known: KnownOptions) -> list[Refusal]:
    label = "Annex" if field == "annex" else "Options"
    count = sum(len(keys) for keys in (table or {}).values())
    if count > MAX_OPTIONS:
        return [Refusal(f"{label} hold {count} entries; {MAX_OPTIONS} fit.", field)]
    refusals, sections = [], set()
    for section, keys in (table or {}).items():
        at = f"{field}.{section}"
        refusals += _name(section, "Section", at, _NOT_IN_SECTION)
        if section.casefold() in sections:
            refusals.append(Refusal(f"Section [{section}] is there twice (upper and lower case are equal).", at))
        sections.add(section.casefold())
        seen = set()
        for key, value in keys.items():
            refusals += _name(key, f"Key in section [{section}]", f"{at}.{key}", _NOT_IN_KEY)
            if key.casefold() in seen:
                refusals.append(Refusal(f"[{section}] {key} is there twice (upper and lower case are equal).",
                                        f"{at}.{key}"))
            seen.add(key.casefold())
            unusable = _value(value, section, key, f"{at}.{key}", (field == "annex", section, key) in stored)
            refusals += unusable or value_refusals(known, section, key, value, f"{at}.{key}")
    return refusals


def _name(name: str, label: str, at: str, forbidden: frozenset[str]) -> list[Refusal]:
    if not name or name != name.strip() or len(name) > MAX_NAME or has_control_characters(name) or (
            forbidden & set(name)) or name[0] in ";#":
        return [Refusal(f'{label} "{name[:60]}" cannot be used: 1 to {MAX_NAME} characters, no blanks at the '
                        f'ends, no {" ".join(sorted(forbidden))}, not beginning with ; or #.', at)]
    return []


def _value(value: str, section: str, key: str, at: str, has_stored: bool) -> list[Refusal]:
    if not isinstance(value, str) or len(value) > MAX_VALUE or not is_legible(value) or set("\r\n") & set(value):
        return [Refusal(f"The value of [{section}] {key} must be one line of at most {MAX_VALUE} characters.", at)]
    if value == MASK and is_secret_option(section, key) and not has_stored:
        return [Refusal(f"[{section}] {key} is secret and has no stored value yet. Type it.", at)]
    return []


def connections(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    rows = draft.connections or ()
    if len(rows) > MAX_CONNECTIONS:
        return [Refusal(f"{len(rows)} Connections are too many; {MAX_CONNECTIONS} fit.", "connections")]
    refusals, seen = [], set()
    for index, row in enumerate(rows):
        at = f"connections.{index}"
        refusals += _one_connection(row, at, facts)
        if (row.server_id, row.port_id) in seen:
            refusals.append(Refusal("This connection is listed twice. Keep one.", f"{at}.server_id"))
        seen.add((row.server_id, row.port_id))
    return refusals


def _one_connection(row: ConnectionDraft, at: str, facts: ApplicationFacts) -> list[Refusal]:
    if facts.stored is not None and row.server_id == facts.stored.id:
        return [Refusal("An application cannot connect to itself. Choose another server.", f"{at}.server_id")]
    server = facts.others.get(row.server_id)
    if server is None:
        return [Refusal("The server of this connection does not exist any more. Remove the row or choose another "
                        "one.", f"{at}.server_id")]
    refusals = []
    if server.type not in SERVER_TYPES:
        refusals.append(Refusal(f"{server.name} is no server, so nothing can connect to it.", f"{at}.server_id",
                                (server.link,)))
    if server.ports and row.port_id not in {port_id for port_id, _ in server.ports}:
        known = ", ".join(port_id for port_id, _ in server.ports)
        refusals.append(Refusal(f'{server.name} has no port with ID "{row.port_id}". It has: {known}.',
                                f"{at}.port_id", (server.link,)))
    if row.protocol not in ("", "addp"):
        refusals.append(Refusal("Connection Protocol is addp or empty.", f"{at}.protocol"))
    if row.trace_mode not in ("none", "local", "remote", "both"):
        refusals.append(Refusal("Trace Mode is none, local, remote or both.", f"{at}.trace_mode"))
    for field, label in (("timeout_local", "Local Timeout"), ("timeout_remote", "Remote Timeout")):
        refusals += number_refusals(getattr(row, field), field=f"{at}.{field}", label=label, least=0,
                                    most=TIMEOUT_MAX_S, unit="seconds")
    for field, label in (("transport_parameters", "Transport Parameters"),
                         ("application_parameters", "Application Parameters")):
        refusals += parameter_refusals(getattr(row, field), field=f"{at}.{field}", label=label)
    return refusals
