"""What every operation of the API lets whom do, and what is sent for that (test_access.py, test_described.py).

A new operation that changes something is a row of ``OPERATIONS``; one that reads and needs more than VIEW one of
``READS``. A new name in an address is a row of ``VALUES``: what there is in ``walk.World``.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.test import Client

from provisioning.core.permissions import (
    ACCEPT_LOSS,
    ALARMS,
    AUDIT,
    CLIENTS,
    CONDITIONS,
    CONFIGURE,
    DRILL,
    EXPORT,
    IMPORT,
    INSTALL,
    MANAGE_HOSTS,
    NOTIFY,
    OPERATE,
    PUBLISH,
    READ_MESSAGES,
    SHARE,
    USERS,
    VIEW,
    WAIVE,
)

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Write:
    """``sent``: a body that is good, {} for none; a file when it is bytes. ``query`` of the address."""

    need: str
    sent: Any = None
    query: str = ""


CONDITION = {"name": "Another", "detect_event": "00-05061"}
RULE = {"name": "Another", "channels": ["Duty"]}
CHANNEL = {"name": "Another", "kind": "mail", "fields": {"to": "ada@example.com"}}
HOST = {"name": "another", "ip_address": "203.0.113.9"}
OPERATIONS: dict[str, Write] = {
    "applications_create": Write(CONFIGURE, {"name": "Another", "template": "Message_Server"}),
    "applications_replace": Write(CONFIGURE, {"name": "Another", "template": "Message_Server"}),
    "applications_patch": Write(CONFIGURE, {"description": "another"}),
    "applications_delete": Write(CONFIGURE),
    "applications_clone": Write(CONFIGURE, {"name": "Another"}),
    "verbs_start": Write(OPERATE), "verbs_restart": Write(OPERATE), "verbs_stop": Write(OPERATE),
    "verbs_stop_gracefully": Write(OPERATE), "verbs_certificates": Write(INSTALL), "verbs_install": Write(INSTALL),
    "messages_publish": Write(PUBLISH, {"destination": "/topic/test", "body": "hello"}),
    "messages_cut": Write(CLIENTS), "messages_move": Write(CLIENTS, {"name": "another", "seq": 1}),
    "messages_delete": Write(CLIENTS, {"name": "another"}),
    "hosts_create": Write(MANAGE_HOSTS, HOST), "hosts_replace": Write(MANAGE_HOSTS, HOST),
    "hosts_patch": Write(MANAGE_HOSTS, {"name": "another"}), "hosts_delete": Write(MANAGE_HOSTS),
    "hosts_look": Write(AUDIT), "hosts_join_line": Write(MANAGE_HOSTS), "hosts_revoke_join_line": Write(MANAGE_HOSTS),
    "pairs_failover_check": Write(VIEW), "pair_verbs_switch_over": Write(OPERATE),
    "pair_verbs_pause": Write(OPERATE, {"reason": "A test."}), "pair_verbs_resume": Write(OPERATE),
    "pair_verbs_promote": Write(ACCEPT_LOSS, {"accept_data_loss": "MS_Primary"}),
    "pair_verbs_synchronize": Write(CONFIGURE), "pair_verbs_drill": Write(DRILL),
    "jobs_cancel": Write(OPERATE), "jobs_retry": Write(OPERATE),
    "configuration_apply": Write(CONFIGURE, {"applications": [{"name": "Another", "template": "Message_Server"}]}),
    "templates_take": Write(IMPORT, b"no template", "?file_name=a.apd"),
    "templates_delete": Write(IMPORT),
    "packages_take": Write(IMPORT, b"no package", "?file_name=a.tar.gz"), "packages_delete": Write(IMPORT),
    "batches_create": Write(OPERATE, {"verb": "stop", "applications": ["MS_Primary", "MS_Backup"]}),
    "batches_retry": Write(OPERATE), "batches_cancel": Write(OPERATE),
    "history_restore": Write(CONFIGURE, {"revision": 1}),
    "audit_run": Write(AUDIT, {"pairs": ["MS_Backup"], "look": False}),
    "findings_waive": Write(WAIVE, {"reason": "A test.", "expires_on": "{tomorrow}"}),
    "findings_fix": Write(CONFIGURE), "findings_withdraw": Write(WAIVE),
    "drills_cancel": Write(DRILL),
    "drills_set_schedule": Write(DRILL, {"enabled": True, "every_days": 7, "at": "03:00", "until": "05:00"}),
    "alarms_acknowledge": Write(ALARMS), "alarms_clear": Write(ALARMS, {"reason": "A test."}),
    "conditions_create": Write(CONDITIONS, CONDITION), "conditions_put": Write(CONDITIONS, CONDITION),
    "conditions_patch": Write(CONDITIONS, {"enabled": False}), "conditions_delete": Write(CONDITIONS),
    "maintenance_begin": Write(ALARMS, {"about": "application", "name": "MS_Primary", "reason": "A test.",
                                        "ends_at": "{tomorrow}T00:00:00Z"}),
    "maintenance_end": Write(ALARMS),
    "channels_create": Write(NOTIFY, CHANNEL), "channels_put": Write(NOTIFY, CHANNEL),
    "channels_patch": Write(NOTIFY, {"enabled": False}), "channels_delete": Write(NOTIFY),
    "channels_test": Write(NOTIFY),
    "rules_create": Write(NOTIFY, RULE), "rules_put": Write(NOTIFY, RULE),
    "rules_patch": Write(NOTIFY, {"enabled": False}), "rules_delete": Write(NOTIFY),
    "deliveries_resend": Write(NOTIFY), "deliveries_send_now": Write(NOTIFY),
    "users_create": Write(USERS, {"name": "another2", "roles": ["Support"]}),
    "users_unlock_address": Write(USERS, {"address": "192.0.2.1"}),
    "users_set_roles": Write(USERS, {"roles": ["Support"]}), "users_disable": Write(USERS),
    "users_enable": Write(USERS), "users_unlock": Write(USERS), "users_reset_password": Write(USERS),
    "tokens_make": Write(USERS, {"name": "another", "owner": "a-program", "roles": ["Support"]}),
    "tokens_patch": Write(USERS, {"enabled": False}), "tokens_revoke": Write(USERS),
    "searches_save": Write(VIEW, {"list": "event-list", "name": "Another", "query": "text=lost"}),
    "searches_delete": Write(SHARE),
}
READS = {"messages_messages": READ_MESSAGES, "messages_message": READ_MESSAGES, "messages_body": READ_MESSAGES,
         "messages_destinations": READ_MESSAGES, "configuration_export": EXPORT, "tokens_token": USERS,
         "history_restore_plan": CONFIGURE}
"""Operations that read and need more than VIEW."""


def _named(kind: str) -> Callable[[Any], Any]:
    return lambda world: world.objects[kind]


VALUES: dict[str, Callable[[Any], Any]] = {
    "applications/{name}": lambda world: world.primary.name, "pairs/{name}": lambda world: world.backup.name,
    "hosts/{name}": lambda world: world.primary.host.name,
    "{job_id}": _named("job"), "{template}": _named("template"), "{package}": _named("package"),
    "{batch_id}": _named("batch"), "{record_id}": _named("log"), "{number}": _named("history"),
    "{finding_id}": _named("finding"), "{waiver_id}": _named("waiver"), "{drill_id}": _named("drill"),
    "{pair}": _named("pair"), "{alarm_id}": _named("alarm"), "{condition}": lambda world: "Line lost",
    "{maintenance_id}": _named("maintenance"), "{channel}": lambda world: "Duty", "{rule}": lambda world: "Night",
    "{delivery_id}": _named("delivery"), "{user}": lambda world: "another", "{token}": _named("apitoken"),
    "{seq}": lambda world: 7, "{session}": lambda world: "3-7", "{search_id}": _named("search"),
}
"""{name in an address, with what stands before it where it names several kinds: what is there}."""


def value_of(path: str, name: str, world: Any) -> str:
    """What there is for ``name`` in the address ``path``."""
    before = path.partition(f"{{{name}}}")[0].strip("/").rpartition("/")[2]
    found = VALUES.get(f"{before}/{{{name}}}") or VALUES[f"{{{name}}}"]
    return str(found(world))


def address(path: str, world: Any) -> str:
    """``path`` of the description with what there is."""
    return re.sub(r"\{(\w+)\}", lambda found: quote(value_of(path, found[1], world), safe=""), path)


def need(name: str) -> str:
    """The verb of core.permissions that the operation needs."""
    return OPERATIONS[name].need if name in OPERATIONS else READS.get(name, VIEW)


def operations(schema: dict) -> Iterator[tuple[str, str, dict]]:
    """(method, path, operation) of each that is described."""
    for path, item in schema["paths"].items():
        yield from ((method, path, item[method]) for method in METHODS if method in item)


def asked(client: Client, world: Any, name: str, method: str, path: str, **headers: str) -> Any:
    """The answer to what the table has of the operation ``name``."""
    write = OPERATIONS.get(name)
    sent = write.sent if write else None
    body = sent if isinstance(sent, bytes) else b"" if sent is None else json.dumps(sent).replace(
        "{tomorrow}", str(world.objects["tomorrow"])).encode()
    kind = "application/octet-stream" if isinstance(sent, bytes) else "application/json" if body else ""
    return client.generic(method.upper(), address(path, world) + (write.query if write else ""), body,
                          content_type=kind, headers={"If-Match": "*", **headers})
