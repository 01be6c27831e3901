"""The rules that users meet (domain.md 1 and 5), pure: what was typed and what is known in, refusals out.

The same rules run while somebody types, at save and in ``manage.py apply``.
"""

from provisioning.drafts import ApplicationDraft
from provisioning.errors import Refusal

from . import fields, logins, options, ports
from . import pair as pairs
from .facts import ApplicationFacts, HostFacts, OtherApplication, Stored, TemplateFacts

APPLICATION_RULES = (
    fields.name_and_template,
    fields.server_info,
    fields.texts_and_numbers,
    ports.listening_ports,
    ports.port_numbers_on_host,
    ports.directories_on_host,
    pairs.backup_server,
    pairs.account_of_primary,
    pairs.ha_sync_ports,
    pairs.follows_primary,
    pairs.redundancy_type,
    pairs.only_while_stopped,
    options.options_and_annex,
    logins.logins,
    options.connections,
)


def application_refusals(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    """Every rule that ``draft`` does not keep. Field names are those of ApplicationDraft, with ``ports.<index>.port``,
    ``connections.<index>.server_id`` and ``options.<section>.<key>`` for rows."""
    return [refusal for rule in APPLICATION_RULES for refusal in rule(draft, facts)]


__all__ = [
    "APPLICATION_RULES", "ApplicationFacts", "HostFacts", "OtherApplication", "Stored", "TemplateFacts",
    "application_refusals",
]
