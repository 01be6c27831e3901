"""Rules on what was typed for an application, each field by itself (domain.md 1.2)."""

import posixpath
import re

from provisioning.core.systems import is_windows
from provisioning.core.text import name_refusals, number_refusals, text_refusals
from provisioning.drafts import ApplicationDraft
from provisioning.errors import Link, Refusal
from provisioning.models.applications import TIMEOUT_MAX_S
from provisioning.states import SERVER_TYPES, OSType, RedundancyType

from .facts import ApplicationFacts

NOT_YET_INSTALLED = "."
"""Placeholder of Working Directory and Command Line: the installer fills it in."""
_NOT_IN_WINDOWS_PATH = frozenset('<>"|?*')
_WINDOWS_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]")


def is_absolute(path: str, os_type: str = OSType.LINUX) -> bool:
    if is_windows(os_type):
        return bool(_WINDOWS_ABSOLUTE.match(path)) or path.startswith("\\\\")
    return path.startswith("/")


def normal_directory(path: str, os_type: str = OSType.LINUX) -> str:
    """One spelling for one directory: no doubled or trailing separators, no case on Windows. "" for a placeholder."""
    if not path or path == NOT_YET_INSTALLED:
        return ""
    if is_windows(os_type):
        path = path.replace("\\", "/").casefold()
    return posixpath.normpath(re.sub(r"/+", "/", path))


def directory_refusals(path: str, os_type: str, *, field: str = "working_directory",
                       label: str = "Working Directory") -> list[Refusal]:
    """An absolute path without parts that mean another place on another day."""
    refusals = text_refusals(path, field=field, label=label, longest=1024)
    if not refusals and path and path != NOT_YET_INSTALLED:
        if not is_absolute(path, os_type):
            refusals.append(Refusal(f'{label} must be an absolute path, or "." to let the installer choose.', field))
        elif any(part in ("..", ".", "~") for part in re.split(r"[/\\]", path)):
            refusals.append(Refusal(f'{label} must not hold "..", "." or "~" parts. Write the path in full.', field))
        elif is_windows(os_type) and _NOT_IN_WINDOWS_PATH & set(path):
            signs = " ".join(sorted(_NOT_IN_WINDOWS_PATH))
            refusals.append(Refusal(f"{label} holds one of {signs}, which Windows does not allow in a path.", field))
        elif path != path.strip():
            refusals.append(Refusal(f"{label} begins or ends with a blank. Remove it.", field))
    return refusals


def name_and_template(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    refusals = name_refusals(draft.name, what="An application")
    if facts.same_name is not None:
        refusals.append(Refusal(f"An application named {draft.name} exists already. Choose another name.", "name",
                                (facts.same_name,)))
    if facts.template is None:
        refusals.append(Refusal("Choose an Application Template, or import one first.", "template_id"))
    elif facts.stored is not None:
        if facts.stored.template_id != facts.template.id:
            refusals.append(Refusal("The Application Template is fixed when an application is created. "
                                    "Create a new application from the other template instead.", "template_id"))
    elif not facts.template.enabled:
        link = Link("template", str(facts.template.id), facts.template.name)
        refusals.append(Refusal(f"Application Template {facts.template.name} is disabled. Choose another one.",
                                "template_id", (link,)))
    if draft.host_id is not None and facts.host is None:
        refusals.append(Refusal("The chosen Host does not exist any more. Choose another one.", "host_id"))
    return refusals


def server_info(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    os_type = facts.host.os_type if facts.host else OSType.LINUX
    refusals = directory_refusals(draft.working_directory, os_type)
    refusals += text_refusals(draft.command_line, field="command_line", label="Command Line", longest=1024)
    refusals += text_refusals(draft.command_line_arguments, field="command_line_arguments",
                              label="Command Line Arguments", longest=2048)
    if facts.template is None or facts.template.type in SERVER_TYPES:
        if draft.host_id is None:
            refusals.append(Refusal("Host is required for a server. Choose the machine that it runs on.", "host_id"))
        for field, label in (("working_directory", "Working Directory"), ("command_line", "Command Line")):
            if not str(getattr(draft, field)).strip():
                refusals.append(Refusal(f'{label} is required for a server. Type "." to have it filled in by Install.',
                                        field))
    return refusals


def texts_and_numbers(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    refusals = []
    for field, label, longest in (("tenants", "Tenants", 255), ("log_on_as", "Log On As Account", 64),
                                  ("description", "Description", 1024)):
        refusals += text_refusals(getattr(draft, field), field=field, label=label, longest=longest)
    for field, label, least, most, unit in (
        ("startup_timeout", "Startup Timeout", 1, TIMEOUT_MAX_S, "seconds"),
        ("shutdown_timeout", "Shutdown Timeout", 1, TIMEOUT_MAX_S, "seconds"),
        ("reconnect_timeout", "Reconnect Timeout", 0, TIMEOUT_MAX_S, "seconds"),
        ("reconnect_attempts", "Reconnect Attempts", 0, 1_000_000, ""),
    ):
        refusals += number_refusals(getattr(draft, field), field=field, label=label, least=least, most=most, unit=unit)
    if draft.redundancy_type not in RedundancyType.values:
        words = ", ".join(RedundancyType.values)
        refusals.append(Refusal(f'"{draft.redundancy_type}" is no Redundancy Type. Use one of: {words}.',
                                "redundancy_type"))
    return refusals
