"""What browsers send: the editor's form, and the headers of htmx."""

import json

from django.conf import settings

from provisioning.applications.forms.applications import ApplicationForm
from provisioning.applications.forms.editors import stored_editor
from provisioning.applications.selectors.applications import get_application

LIST = "/provisioning/environment/applications/"


def port_row(token="a1", **values):
    return json.dumps({"token": token, "port_id": "default", "port": 7001, "protocol": "stomp", "ha_sync": False,
                       "listening_mode": "unsecured", "transport_parameters": "", "application_parameters": "",
                       "description": "", **values})


def form_of(application=None, **changes):
    """What a browser sends when the editor is saved: the form of ``application`` (or a new one) with ``changes``;
    a value of None leaves a field out, as an unticked box does."""
    if application is None:
        values = {name: field.initial for name, field in ApplicationForm.base_fields.items()}
        sent = {"revision": 0, "application": "", "filled_from": ""}
    else:
        editor = stored_editor(get_application(application.pk))
        values = editor.form.initial
        sent = {"revision": editor.revision, "application": application.pk, "filled_from": application.template_id,
                "ports": [row.json for row in editor.ports], "connections": [row.json for row in editor.connections],
                "option_section": [row.section for row in editor.options],
                "option_key": [row.key for row in editor.options],
                "option_value": [row.value for row in editor.options]}
    sent |= {name: "on" if value is True else value for name, value in values.items()}
    sent |= changes
    return {name: value for name, value in sent.items() if value not in (None, False)}


def script(target="dialog-content"):
    """Headers of a request that htmx makes."""
    return {"HX-Request": "true", "HX-Target": target}


def post(client, address, data, **more):
    """A form as a browser sends it that has been shown one."""
    token = client.cookies[settings.CSRF_COOKIE_NAME].value
    return client.post(address, {**data, "csrfmiddlewaretoken": token}, **more)
