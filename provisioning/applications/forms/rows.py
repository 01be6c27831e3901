"""Rows of the Application editor: Listening Ports, Connections, Options and Annex.

A port or connection is edited in a dialog and travels in the editor's form as one hidden field with JSON; nothing is
stored before Save. An option is typed in place, in parallel fields.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Field
from django import forms
from django.db import models

from protocol.client_logins import FORM, RIGHTS, section_name
from protocol.outside import NotJson, read_json
from provisioning.catalog.known_options import KnownOptions
from provisioning.core.text import text_refusals
from provisioning.drafts import NOT_PASSED_ON, ONLY_LOG_PASSED_ON, ConnectionDraft, PortDraft
from provisioning.models import Connection, ListeningPort
from provisioning.models.applications import MASK, is_secret_option
from provisioning.spelling import sort_key
from provisioning.states import ListeningMode, PortProtocol
from provisioning.web.fields import Check, Choice, Key, Text, Whole, labelled, offer, offered
from provisioning.web.layouts import Fold, arranged

Draft = TypeVar("Draft", PortDraft, ConnectionDraft)
ROWS_MAX = 500
"""Rows that are read: more than the rules let an application have, so that they refuse what is over it."""
TOKEN_MAX = 16
_PLAIN = (str, int, bool, type(None))
"""What a field of a row can hold."""
SECTION_HELP = {RIGHTS: f"What this login may: {FORM}. What is not named is not allowed."}
"""Of sections whose keys no template knows."""
UNREADABLE = "This row came in a form that cannot be read. Remove it and add it again."


class RowForm(forms.Form):
    """``prefix`` keeps the dialog's fields apart from the editor's own when both are sent together. ``model`` says how
    long its texts may be: a text that is too long is refused in the dialog, before it becomes a row."""

    ADVANCED: tuple[str, ...] = ()
    PLACES: dict[str, Field] = {}
    """Fields that are not shown as every other one is."""
    model: type[models.Model]
    draft_class: type[Any]
    prefix = "info"
    use_required_attribute = False

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for name, text in self.fields.items():
            if isinstance(text, Text):
                # A field's own max_length would have the browser cut what is pasted, without a word.
                longest = getattr(self.model._meta.get_field(name), "max_length", None)
                if longest is not None:
                    text.validators.append(_fits(str(text.label), longest))

    @property
    def helper(self) -> FormHelper:
        general = [name for name in self.fields if name not in self.ADVANCED]
        return arranged(*(self.PLACES.get(name, name) for name in general), Fold("Advanced", *self.ADVANCED))


def _fits(label: str, longest: int) -> Callable[[str], None]:
    """A validator with the sentences of the rules."""

    def check(text: str) -> None:
        for refusal in text_refusals(text, field="", label=label, longest=longest):
            raise forms.ValidationError(refusal.message)

    return check


@labelled(PortDraft)
class PortForm(RowForm):
    """Port Info (domain.md 1.3)."""

    port_id = Text(must=True, initial="default",
                   help_text="Clients refer to a port by its ID. The first one is normally \"default\".")
    port = Whole(must=True, help_text="1 to 65535, unique on the Host.")
    protocol = Choice(choices=[("", "default (stomp)"), *PortProtocol.choices],
                      help_text="stomp is for clients, stomp-ws for browsers (STOMP over WebSocket), sync for the "
                                "other member of a pair.")
    ha_sync = Check(help_text="The other member of the pair fetches its copy of the messages through "
                              "this port. Each member has one such port; clients do not use it.")
    listening_mode = Choice(choices=ListeningMode, initial=ListeningMode.UNSECURED,
                            widget=forms.RadioSelect, css="")
    transport_parameters = Text(mono=True,
                                help_text="name=value;name=value, without blanks.")
    description = Text()
    application_parameters = Text(mono=True,
                                  help_text=f"name=value;name=value, without blanks. {NOT_PASSED_ON}")

    ADVANCED = ("application_parameters",)
    model = ListeningPort
    draft_class = PortDraft

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        stored = self["protocol"].value() or ""
        if stored not in dict(offered(self, "protocol")):
            # Other types of server speak protocols that are not in the list.
            offer(self, "protocol", [*offered(self, "protocol"), (stored, stored)])


@labelled(ConnectionDraft)
class ConnectionForm(RowForm):
    """A row of Connections: this application is a client of ``server_id`` (domain.md 1.2)."""

    server_id = Key(must=True,
                    help_text=f"Of a pair the primary: its backup stands for it too. {ONLY_LOG_PASSED_ON}")
    port_id = Text(initial="default", help_text="ID of a Listening Port of that server.")
    protocol = Choice(choices=Connection._meta.get_field("protocol").choices,
                      help_text="addp: the client notices within the timeouts below that the server is gone.")
    timeout_local = Whole(initial=0, unit="s", help_text="0 leaves it to the protocol.")
    timeout_remote = Whole(initial=0, unit="s", help_text="0 leaves it to the protocol.")
    trace_mode = Choice(choices=Connection._meta.get_field("trace_mode").choices, initial="none",
                        help_text="Which side writes addp into its log.")
    transport_parameters = Text(mono=True,
                                help_text="name=value;name=value, without blanks.")
    application_parameters = Text(mono=True,
                                  help_text="For example warm-standby.retry-delay=5.")

    ADVANCED = ("transport_parameters", "application_parameters")
    PLACES = {"server_id": Field("server_id", template="pairwise/layout/server.html")}
    model = Connection
    draft_class = ConnectionDraft


@dataclass
class Row(Generic[Draft]):
    """One port or connection of the editor. ``token`` names it on the page; ``proposed`` rows came from the template
    untouched and give way to another template's."""

    values: dict
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    proposed: bool = False
    draft: Draft | None = None
    errors: list = field(default_factory=list)

    @property
    def json(self) -> str:
        return json.dumps({"token": self.token, "proposed": self.proposed, **self.values}, ensure_ascii=False)


def row_of(draft: Draft, *, proposed: bool = False) -> Row[Draft]:
    return Row(values=asdict(draft), draft=draft, proposed=proposed)


def read_row(text: str, form_class: type[RowForm]) -> Row:
    """A row out of its hidden field. What is no row is one all the same, with the sentence that says so: a row that was
    left out would be missing in what is saved, and nobody would know."""
    try:
        values = read_json(text)
    except NotJson:
        values = None
    if not isinstance(values, dict) or not all(isinstance(value, _PLAIN) for value in values.values()):
        return Row(values=dict.fromkeys(form_class.base_fields, ""), errors=[UNREADABLE])
    form = form_class({f"{form_class.prefix}-{name}": values.get(name) for name in form_class.base_fields})
    row = Row(values={name: values.get(name) for name in form_class.base_fields},
              proposed=bool(values.get("proposed")))
    token = str(values.get("token", ""))[:TOKEN_MAX]
    if token.isalnum():
        row.token = token
    if form.is_valid():
        row.draft = form_class.draft_class(**form.cleaned_data)
    else:
        row.errors = [error for errors in form.errors.values() for error in errors]
    return row


def read_rows(values, name: str, form_class: type[RowForm]) -> list[Row]:
    return [read_row(text, form_class) for text in values.getlist(name)[:ROWS_MAX]]


@dataclass
class OptionRow:
    """One option as shown: ``default``, ``help`` and ``valid`` come from the template; ``hint`` says why the server
    ignores it; ``token`` names its row on the page."""

    section: str
    key: str
    value: str
    help: str = ""
    default: str = ""
    valid: str = ""
    hint: str = ""
    errors: list = field(default_factory=list)
    token: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def is_whole(self) -> bool:
        """Whether it has all that an option needs, so that there is something to be said of its value."""
        return bool(self.section and self.key)

    @property
    def is_secret(self) -> bool:
        return is_secret_option(self.section, self.key)

    @property
    def changed_from_default(self) -> bool:
        return bool(self.help or self.default) and self.value != self.default

    def explain(self, known: KnownOptions) -> None:
        """Say what the template says of it."""
        entry = known.find(self.section, self.key) or {}
        help_of_section = SECTION_HELP.get(section_name(self.section), "")
        self.help, self.default = entry.get("help", "") or help_of_section, str(entry.get("value", ""))
        self.valid = str(known.valid(self.section, self.key)) if entry.get("valid") else ""
        self.hint = known.hint(self.section, self.key)


def option_rows(table: dict[str, dict[str, str]], known: KnownOptions) -> list[OptionRow]:
    """Rows of {section: {key: value}}, sorted."""
    rows = [OptionRow(section, key, table[section][key]) for section in sorted(table, key=sort_key)
            for key in sorted(table[section], key=sort_key)]
    for row in rows:
        row.explain(known)
    return rows


def read_options(values, name: str, known: KnownOptions) -> list[OptionRow]:
    """Rows out of the parallel fields <name>_section, <name>_key, <name>_value and, where it is sent, <name>_row (the
    token); rows without any text are left out."""
    columns = [values.getlist(f"{name}_{column}") for column in ("section", "key", "value")]
    rows = [OptionRow(section.strip(), key.strip(), value) for section, key, value in zip(*columns, strict=False)]
    tokens = dict(enumerate(values.getlist(f"{name}_row")))
    for index, row in enumerate(rows):
        token = tokens.get(index, "")
        row.token = token if token.isalnum() and len(token) <= TOKEN_MAX else str(index)
    rows = [row for row in rows if row.section or row.key or row.value]
    seen = set()
    for row in rows:
        row.explain(known)
        place = (row.section.casefold(), row.key.casefold())
        if not row.is_whole:
            row.errors.append("An option needs a section and a key.")
        elif place in seen:
            row.errors.append(f"[{row.section}] {row.key} is there twice. Keep one.")
        elif MASK[0] in row.value and row.value != MASK:
            row.errors.append(f"[{row.section}] {row.key} mixes the mask with new text. Type the whole value.")
        seen.add(place)
    return rows


def table_of(rows: list[OptionRow]) -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = {}
    for row in rows:
        table.setdefault(row.section, {})[row.key] = row.value
    return table
