"""A stored application, the address of a new one, and what a page says besides."""

from django.contrib.messages import get_messages

from provisioning.applications.services import applications as services
from tests import factories
from tests.provisioning.posted import LIST

NEW = f"{LIST}new/"


def make(name="MS", **fields):
    return services.create_application(actor=factories.ADMINISTRATOR, draft=factories.make_draft(name=name, **fields))


def said(answer):
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))
