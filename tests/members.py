"""Members of pairs as rules look at them, by the names of their fields, wherever in a Member those are."""

from dataclasses import fields, replace
from datetime import UTC, datetime

from provisioning.core.known import Word
from provisioning.drafts import ApplicationDraft, PortDraft
from provisioning.pairs.rules.members import Live, Machine, Member

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PLAIN = Member(id=1, draft=ApplicationDraft(name="A", template_id=1, working_directory="/opt/a", command_line="./run"))
HOST = {"host": "name", "host_status": "status", "os_type": "os_type"}


def _named(kind) -> set[str]:
    return {each.name for each in fields(kind)}


def member(**values) -> Member:
    """An installed server with these fields; see ``changed``."""
    return changed(PLAIN, **values)


def changed(one: Member, **values) -> Member:
    """``one`` with these fields changed: of its draft, of its last word, of what is known of it now and its own; its
    last word counts now. ``host``, ``host_status`` and ``os_type`` are of its Host, ``ports`` is {ID: number}, ``held``
    what the server holds of them; without ``installed`` it lacks a Command Line."""
    if "installed" in values:
        values["command_line"] = "./run" if values.pop("installed") else "."
    if "ports" in values:
        values["ports"] = tuple(PortDraft(port_id=key, port=number, ha_sync=key == "sync")
                                for key, number in values.pop("ports").items())
    live = {name: values[name] for name in _named(Live) & values.keys() - {"ports", "version"}}
    if "held" in values:
        live["ports"] = values.pop("held")
    host = {own: values.pop(name) for name, own in HOST.items() if name in values}
    word = {name: values[name] for name in _named(Word) & values.keys()}
    draft = {name: values[name] for name in _named(ApplicationDraft) & values.keys()}
    own = {name: values[name] for name in _named(Member) & values.keys()}
    unknown = values.keys() - live.keys() - word.keys() - draft.keys() - own.keys()
    assert not unknown, unknown
    return replace(one, draft=replace(one.draft, **draft), live=replace(one.live, **live),
                   word=replace(one.word, **word), **own, **_host(one, host))


def _host(one: Member, values: dict) -> dict:
    if not values:
        return {}
    name = values.get("name", one.host_name)
    return {"host": replace(one.host or Machine(id=1, name=name), **values) if name else None}
