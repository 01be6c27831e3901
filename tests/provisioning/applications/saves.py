"""An application created and changed as its service does it."""

from dataclasses import replace

from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.services import applications as services
from provisioning.models import Application, HistoryEntry
from tests.factories import ADMINISTRATOR, make_draft, port

SYNC = (port("sync", 7002, protocol="sync", ha_sync=True),)


def create(**fields):
    return services.create_application(actor=ADMINISTRATOR, draft=make_draft(**fields))


def update(row, revision=None, reason="", **fields):
    draft = replace(application_draft(Application.objects.get(pk=row.pk)), **fields)
    return services.update_application(actor=ADMINISTRATOR, application_id=row.pk, revision=revision or row.revision,
                                       draft=draft, reason=reason)


def history_of(row):
    return list(HistoryEntry.objects.filter(object_type="application", object_id=str(row.pk)).order_by("id"))
