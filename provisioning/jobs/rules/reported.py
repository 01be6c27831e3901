"""What a host says at the end of a job, against what it was asked: who answers has a secret of its own and no say in
what is run, least of all on another host. Pure; what is wrong is a clause, "" for nothing."""

import posixpath
from collections.abc import Mapping
from typing import Any

from protocol.certificate_files import certificate_paths
from protocol.start_line import COMMAND_LINE, command_line_arguments

SAID_MAX = 100


def install_fault(asked: Mapping[str, Any], result: Mapping[str, Any], *, application: str, install_root: str) -> str:
    """``asked``: the arguments of the job. ``install_root``: where the host said at its join that it installs, "" when
    it joined before that was asked."""
    server = asked["configuration_server"]
    wanted = {"command_line": COMMAND_LINE, "version": asked["package"]["version"],
              "command_line_arguments": command_line_arguments(server["host"], server["port"], application)}
    return _unlike(wanted, result) or _directory_fault(asked, result.get("working_directory"), install_root)


def _directory_fault(asked: Mapping[str, Any], said: Any, install_root: str) -> str:
    directory, own = asked.get("directory", ""), asked["directory_name"]
    if directory or install_root:
        return _unlike({"working_directory": posixpath.normpath(directory or f"{install_root}/{own}")},
                       {"working_directory": said})
    usable = isinstance(said, str) and posixpath.isabs(said) and posixpath.normpath(said) == said
    return "" if usable and posixpath.basename(said) == own and len(said) <= 1024 and said.isprintable() else \
        f"its working directory is {_shown(said)}, and not {own} in its directory for applications"


def certificates_fault(asked: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    return _unlike(certificate_paths(posixpath.normpath(asked["directory"])), result)


def _unlike(wanted: Mapping[str, str], said: Mapping[str, Any]) -> str:
    for name, value in wanted.items():
        if said.get(name) != value:
            return f"its {name.replace('_', ' ')} is {_shown(said.get(name))}, and {value!r} was asked for"
    return ""


def _shown(said: Any) -> str:
    return "not said" if said in (None, "") else repr(said)[:SAID_MAX]
