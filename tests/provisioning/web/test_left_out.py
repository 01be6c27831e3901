"""What somebody sends is saved or refused: no row is left out of what is saved without a word."""

import json
import re

import pytest
from django.urls import reverse

from provisioning.applications.forms.rows import ROWS_MAX, ConnectionForm, PortForm
from provisioning.applications.rules.options import MAX_CONNECTIONS, MAX_OPTIONS
from provisioning.applications.rules.ports import MAX_PORTS
from provisioning.models import Application
from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST, form_of, port_row, script

pytestmark = pytest.mark.django_db
NEW = f"{LIST}new/"
TEXTS = [(kind, name) for kind, form in (("ports", PortForm), ("connections", ConnectionForm))
         for name, field in form.base_fields.items() if type(field).__name__ == "Text"]


def saved(administrator, **changes):
    return administrator.post(NEW, form_of(name="MS", template_id=factories.make_template().pk, after="close",
                                           **changes))


def row_of(kind, **values):
    server = factories.make_application("Server", ports={"default": 7001})
    return {**json.loads(port_row()), "server_id": server.pk, "timeout_local": 0, "timeout_remote": 0,
            "trace_mode": "none", "protocol": "stomp" if kind == "ports" else "", **values}


@pytest.mark.parametrize(("kind", "name"), TEXTS)
def test_a_text_that_is_too_long_for_its_row_is_refused_in_the_dialog_and_keeps_what_was_typed(
        administrator, kind, name):
    values = {f"info-{key}": value for key, value in row_of(kind, **{name: "x" * 20_000}).items()}
    without = administrator.post(NEW, form_of(name="MS", **values, step=f"{kind}-ok:"))
    dialog = reverse({"ports": "port-info", "connections": "connection-info"}[kind])
    with_scripts = administrator.post(dialog, form_of(name="MS", **values, ok="1"), headers=script())
    for answer in (without, with_scripts):
        text = flat(answer)
        assert "has 20000 characters;" in text
        assert "x" * 20_000 in text
    assert with_scripts.status_code == 422
    assert not without.context["editor"].ports
    # A browser would cut what is pasted, without a word.
    assert not re.search(r'name="info-[^>]*maxlength', without.text)


@pytest.mark.parametrize(("kind", "name"), TEXTS)
def test_a_row_of_any_length_that_came_all_the_same_is_refused_and_stays(administrator, kind, name):
    answer = saved(administrator, **{kind: [json.dumps(row_of(kind, **{name: "x" * 20_000}))]})
    assert answer.status_code == 422
    assert "has 20000 characters;" in flat(answer)
    assert len(getattr(answer.context["editor"], kind)) == 1
    assert not Application.objects.filter(name="MS").exists()


def options(count, name="option", between=0):
    """So many options as they are sent, with ``between`` rows without text before them."""
    return {f"{name}_section": [""] * between + ["a"] * count,
            f"{name}_key": [""] * between + [f"k{number}" for number in range(count)],
            f"{name}_value": [""] * between + ["1"] * count}


@pytest.mark.parametrize(("name", "label"), [("option", "Options"), ("annex", "Annex")])
def test_more_options_than_fit_are_refused_and_all_of_them_come_back(administrator, name, label):
    answer = saved(administrator, **options(MAX_OPTIONS + 1, name), filled_from=1)
    assert answer.status_code == 422
    assert f"{label} hold {MAX_OPTIONS + 1} entries; {MAX_OPTIONS} fit." in flat(answer)
    assert f"k{MAX_OPTIONS}" in flat(answer)


def test_as_many_options_as_fit_are_saved_whatever_blank_rows_stand_before_them(administrator):
    template = factories.make_template()
    answer = administrator.post(NEW, form_of(name="MS", template_id=template.pk, filled_from=template.pk, after="close",
                                             host_id=factories.make_host().pk, **options(MAX_OPTIONS, between=5)))
    assert answer.status_code == 302
    assert len(Application.objects.get().options_dict()["a"]) == MAX_OPTIONS


@pytest.mark.parametrize(("kind", "most"), [("ports", MAX_PORTS), ("connections", MAX_CONNECTIONS)])
def test_more_rows_than_fit_are_refused(administrator, kind, most):
    assert most < ROWS_MAX
    answer = saved(administrator, **{kind: [json.dumps(row_of(kind))] * (most + 1)})
    assert answer.status_code == 422
    assert f"{most + 1} {'Listening Ports' if kind == 'ports' else 'Connections'} are too many" in flat(answer)
