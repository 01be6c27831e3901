"""Rules on the logins of a Message Server's clients: sections [clients] and [client-rights] of its options."""

from collections.abc import Iterator, Mapping

from protocol import client_logins
from protocol.client_logins import CLIENTS, RIGHTS
from provisioning.drafts import ApplicationDraft
from provisioning.errors import Refusal
from provisioning.models.applications import MASK
from provisioning.states import RUNNABLE_TYPES

from .facts import ApplicationFacts


def logins(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    if facts.template is None or facts.template.type not in RUNNABLE_TYPES:
        return []
    return [Refusal(f"[{section}] {login[:60]}: {wrong}", f"options.{section}.{login}")
            for section, login, wrong in (*_passcodes(draft.options or {}), *_rights(draft.options or {}))]


def entries(options: Mapping[str, Mapping[str, str]], name: str) -> Iterator[tuple[str, str, str]]:
    """(section, login, value) of each entry of the section ``name``, found as servers find it."""
    for section, keys in options.items():
        if client_logins.section_name(section) == name:
            yield from ((section, login, value) for login, value in keys.items() if isinstance(value, str))


def _passcodes(options: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    for section, login, value in entries(options, CLIENTS):
        if client_logins.is_reserved(login):
            yield section, login, (f"Logins that begin with {client_logins.RESERVED} are the console's own. Choose "
                                   "another name.")
        if value != MASK and not client_logins.is_usable(value):
            yield section, login, (f"What begins with {client_logins.HASHED} goes on as SALT$HEX, 16 or more and 64 "
                                   "hexadecimal digits. Take a whole entry of ./run manage passcode.")


def _rights(options: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    known, seen = {login for _, login, _ in entries(options, CLIENTS)}, set()
    for section, login, value in entries(options, RIGHTS):
        if login in seen:
            yield section, login, "It is there twice, in sections that are one for the server. Keep one."
        seen.add(login)
        if login not in known:
            yield section, login, (f"There is no such login in section [{CLIENTS}], where upper and lower case differ. "
                                   "Correct its name, or remove it.")
        try:
            client_logins.read_rights(value)
        except ValueError as wrong:
            yield section, login, str(wrong)
