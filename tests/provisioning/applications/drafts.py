"""A draft that the rules accept, and the facts beside it."""

from dataclasses import replace

from provisioning.applications.rules import (
    ApplicationFacts,
    HostFacts,
    OtherApplication,
    Stored,
    TemplateFacts,
    application_refusals,
)
from provisioning.drafts import ApplicationDraft, PortDraft

TEMPLATE = TemplateFacts(id=1, name="Message_Server", type="MessageServer", version="8.5")
HOST = HostFacts(id=5, name="alpha", ip_address="192.0.2.5", os_type="Linux", lca_port=4999,
                 reserved=((8000, "the console"),))
DRAFT = ApplicationDraft(name="MS_Primary", template_id=1, host_id=5, working_directory=".", command_line=".",
                         ports=(), options={}, annex={}, connections=())
FACTS = ApplicationFacts(template=TEMPLATE, host=HOST)
BACKUP = OtherApplication(id=9, name="MS_Backup", type="MessageServer", status="Stopped", host_id=5,
                          working_directory="/srv/backup", ports=(("default", 7101), ("sync", 7102)),
                          log_on_as="SYSTEM", has_ha_sync=True)
STORED = Stored(id=7, name="MS_Primary", template_id=1, host_id=5, backup_server_id=None,
                redundancy_type="not specified", status="Stopped", tenants="Environment")
SYNC = (PortDraft(port_id="sync", port=7002, protocol="sync", ha_sync=True),)
PAIRED = replace(DRAFT, backup_server_id=9, redundancy_type="warm standby", ports=SYNC)


def pair_facts(backup=BACKUP, stored=STORED):
    return replace(FACTS, stored=stored, others={backup.id: backup})


def refusals(draft=None, facts=FACTS, **fields):
    return application_refusals(replace(draft or DRAFT, **fields), facts)


def fields_of(found):
    return [refusal.field for refusal in found]


def only(found):
    assert len(found) == 1, found
    return found[0]
