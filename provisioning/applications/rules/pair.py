"""Rules of a pair (domain.md 5), and on what may change only while a server is stopped."""

from provisioning.drafts import ApplicationDraft
from provisioning.errors import Refusal
from provisioning.states import ApplicationType, RedundancyType

from .facts import ApplicationFacts, OtherApplication, Stored


def backup_server(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    if draft.backup_server_id is None:
        return []
    field, stored = "backup_server_id", facts.stored
    if stored is not None and draft.backup_server_id == stored.id:
        return [Refusal("A server cannot be its own backup. Choose another application.", field)]
    backup = facts.others.get(draft.backup_server_id)
    if backup is None:
        return [Refusal("The chosen Backup Server does not exist any more. Choose another application.", field)]
    refusals = []
    own_id = stored.id if stored else None
    if facts.template is not None and backup.type != facts.template.type:
        refusals.append(Refusal(f"{backup.name} is of type {backup.type}; the backup of a {facts.template.type} must "
                                "have the same type.", field, (backup.link,)))
    if backup.primary is not None and int(backup.primary.key) != own_id:
        refusals.append(Refusal(f"{backup.name} is already the backup of {backup.primary.name}. A backup serves one "
                                "primary; choose or create another one.", field, (backup.link, backup.primary)))
    if backup.backup_id is not None:
        refusals.append(Refusal(f"{backup.name} has a Backup Server of its own, so it cannot be a backup. "
                                f"Clear it there first.", field, (backup.link,)))
    if stored is not None and stored.primary is not None:
        refusals.append(Refusal(f"This server is the backup of {stored.primary.name}, so it cannot have a Backup "
                                "Server of its own.", field, (stored.primary.link,)))
    if backup.log_on_as != draft.log_on_as:
        refusals.append(_accounts_differ(draft.log_on_as, backup))
    return refusals


def _accounts_differ(account: str, other: OtherApplication) -> Refusal:
    return Refusal(f'Both members of a pair start from the same account: {other.name} has "{other.log_on_as}", '
                   f'here it is "{account}". Make them equal.', "log_on_as", (other.link,))


def account_of_primary(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    """A backup keeps the account of its primary."""
    primary = facts.stored.primary if facts.stored else None
    return [_accounts_differ(draft.log_on_as, primary)] if primary and primary.log_on_as != draft.log_on_as else []


def ha_sync_ports(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    """The members of a Message Server pair copy messages over the port that is flagged HA Sync on either."""
    primary = facts.stored.primary if facts.stored else None
    backup = facts.others.get(draft.backup_server_id) if draft.backup_server_id is not None else None
    other = backup or primary
    if other is None or facts.template is None or facts.template.type != ApplicationType.MESSAGE_SERVER:
        return []
    refusals = []
    if not any(port.ha_sync for port in draft.ports or ()):
        refusals.append(Refusal(f"{draft.name} has no port with HA Sync, which it needs to keep its messages equal to "
                                f"those of {other.name}. {_ADD_HA_SYNC}", "ports", (other.link,)))
    if backup is not None and backup.type == facts.template.type and not backup.has_ha_sync:
        refusals.append(Refusal(f"{backup.name} has no port with HA Sync, which a backup needs to keep its messages "
                                f"equal. Open {backup.name} first. {_ADD_HA_SYNC}", "backup_server_id", (backup.link,)))
    return refusals


_ADD_HA_SYNC = ('Under Server Info > Listening Ports press Add and enter ID "sync", a free Port, Connection Protocol '
                "sync, and select HA Sync.")


def follows_primary(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    """Tenants and Connections of a backup are those of its primary while it is one (domain.md 5.4)."""
    stored = facts.stored
    if stored is None or stored.primary is None:
        return []
    primary = stored.primary
    return [Refusal(f"{label} of a backup are those of its primary {primary.name}. Change them there; "
                    f"{stored.name} follows.", field, (primary.link,))
            for field, label in (("tenants", "Tenants"), ("connections", "Connections"))
            if getattr(draft, field) not in (getattr(stored, field), getattr(primary, field))]


def redundancy_type(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    """Message Servers know Warm Standby only, and exactly when they have a backup."""
    field = "redundancy_type"
    has_backup, chosen = draft.backup_server_id is not None, draft.redundancy_type
    if facts.template is not None and facts.template.type == ApplicationType.MESSAGE_SERVER:
        if chosen == RedundancyType.HOT_STANDBY:
            return [Refusal("Message Servers support Warm Standby only. Choose Warm Standby.", field)]
        if has_backup and chosen != RedundancyType.WARM_STANDBY:
            return [Refusal("A Message Server with a Backup Server needs Redundancy Type Warm Standby.", field)]
    if not has_backup and chosen in (RedundancyType.WARM_STANDBY, RedundancyType.HOT_STANDBY):
        label = RedundancyType(chosen).label
        return [Refusal(f"{label} needs a Backup Server. Choose one, or set Redundancy Type to Not Specified.", field)]
    return []


def only_while_stopped(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    """Name, host and redundancy are what running processes rely on."""
    stored = facts.stored
    if stored is None:
        return []
    refusals = []
    if draft.name != stored.name:
        refusals += _not_now(stored, "Name", "name")
    if draft.host_id != stored.host_id:
        refusals += _not_now(stored, "Host", "host_id")
        if stored.primary is not None:
            refusals.append(Refusal(f"Host cannot change while this server is the backup of {stored.primary.name}. "
                                    "Clear Backup Server there first.", "host_id", (stored.primary.link,)))
    return refusals + _redundancy_while_stopped(draft, facts, stored)


def _not_now(stored: Stored, label: str, field: str) -> list[Refusal]:
    if not stored.is_stopped:
        return [Refusal(f"{label} can change only while {stored.name} is stopped; it is {stored.status} now. "
                        "Stop it first.", field)]
    if stored.active_job is not None:
        return [Refusal(f"{label} cannot change while a job works on {stored.name}. Wait until it has ended, or "
                        "cancel it.", field, (stored.active_job,))]
    return []


def _redundancy_while_stopped(draft: ApplicationDraft, facts: ApplicationFacts, stored: Stored) -> list[Refusal]:
    if draft.backup_server_id != stored.backup_server_id:
        label, field = "Backup Server", "backup_server_id"
    elif draft.redundancy_type != stored.redundancy_type:
        label, field = "Redundancy Type", "redundancy_type"
    else:
        return []
    refusals = _not_now(stored, label, field)
    others = {key for key in (draft.backup_server_id, stored.backup_server_id) if key is not None and key != stored.id}
    for key in others:
        other = facts.others.get(key)
        if other is not None and not other.is_stopped:
            refusals.append(Refusal(f"{label} can change only while both servers are stopped; {other.name} is "
                                    f"{other.status} now. Stop it first.", field, (other.link,)))
    return refusals
