"""Message Servers that scenarios work with, made through `manage.py apply` as a user would."""

import os

import yaml

from tests.ports import free_port

from .harness import Pairwise

LOG_ON_AS = "root" if os.geteuid() == 0 else "SYSTEM"
"""Where the agent is root, servers run as root because scenarios choose it."""


def message_server(name: str, **fields) -> dict:
    """The YAML entry of one Message Server on free ports; ``fields`` replace or add to it."""
    return {
        "name": name, "template": "Message_Server", "host": "localhost", "working_directory": ".", "command_line": ".",
        "command_line_arguments": "", "log_on_as": LOG_ON_AS, "startup_timeout": 30, "shutdown_timeout": 15,
        "auto_restart": False,
        "ports": [{"id": "default", "port": free_port(), "protocol": "stomp"},
                  {"id": "sync", "port": free_port(), "protocol": "sync", "ha_sync": True}],
        "options": {"clients": {"bench": "benchpass"}, "log": {"verbose": "standard", "all": "stdout, network"}},
        **fields,
    }


def apply_file(pairwise: Pairwise, *applications: dict) -> str:
    path = pairwise.data_dir.parent / f"{applications[0]['name']}.yaml"
    path.write_text(yaml.safe_dump({"applications": list(applications)}))
    return str(path)


def apply(pairwise: Pairwise, application: dict) -> dict:
    """Create or change one application; its facts."""
    pairwise.manage("apply", apply_file(pairwise, application), "--yes")
    return pairwise.application(application["name"])


def installed(pairwise: Pairwise, name: str, **fields) -> dict:
    """An application that is installed and not started; its facts."""
    apply(pairwise, message_server(name, **fields))
    pairwise.manage("install", name, "--wait")
    return pairwise.application(name)


def started(pairwise: Pairwise, name: str, **fields) -> dict:
    """An installed, started application; its facts."""
    installed(pairwise, name, **fields)
    pairwise.manage("start", name, "--wait")
    return pairwise.application(name)
