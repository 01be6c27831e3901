"""Filters of targets of audit shipping, and what somebody types about one."""

from crispy_forms.helper import FormHelper
from django import forms

from provisioning.models import AuditTarget
from provisioning.models.applications import MASK
from provisioning.states import AuditFormat
from provisioning.web.fields import Check, Choice, Sentences, Text, Told, Whole, show_instead
from provisioning.web.filters import FilterForm, choice
from provisioning.web.layouts import Section, arranged
from provisioning.web.reasons import ReasonForm

from .rules.drafts import TargetDraft
from .rules.refusals import LABELS
from .services import targets

STATES = (("enabled", "Enabled"), ("disabled", "Disabled"))


class TargetFilter(FilterForm):
    text = forms.CharField(label="Name or address")
    state = choice("State", STATES)


class _Pem(Told, forms.CharField):
    """Certificates or a key, of many lines."""

    def __init__(self, label: str, help_text: str, *, secret: bool = False):
        attrs = {"rows": 4, "spellcheck": "false", "autocomplete": "off", **({"data-secret": ""} if secret else {})}
        super().__init__(label=label, help_text=help_text, css="input mono", widget=forms.Textarea(attrs=attrs))


class TargetForm(forms.Form):
    """In a page the names of secrets say that they are some: whatever keeps what is typed leaves them out then.
    ``revision``: that of the row which its sender has seen, empty for a new one. ``places``: {field of a target: the
    form's field beside which it is said}, where they are not called the same."""

    places = {"key": "secret_key", "token": "secret_token"}
    name = Text(label=LABELS["name"], must=True)
    address = Text(label=LABELS["address"], must=True, mono=True, help_text=(
        "syslog+tls://host:6514, syslog+tcp://host:514, syslog+udp://host:514, syslog+unix:///dev/log, "
        "file:///path/audit.json or https://host/path."))
    description = Sentences(label=LABELS["description"])
    enabled = Check(label=LABELS["enabled"], help_text=(
        "One that is disabled is sent nothing; it goes on where it was."))
    format = Choice(label=LABELS["format"], choices=AuditFormat.choices, help_text=(
        "Of syslog. Files and HTTPS get JSON."))
    ca = _Pem(LABELS["ca"], "PEM. Of syslog+tls and https: who has signed the receiver's certificate. Empty: the "
              "authorities that this machine trusts.")
    certificate = _Pem(LABELS["certificate"], "PEM. Where the receiver wants to know who sends.")
    secret_key = _Pem(LABELS["key"], "PEM, without a passphrase. Never shown again.", secret=True)
    secret_token = Text(label=LABELS["token"], help_text="Of an HTTP Event Collector. Never shown again.",
                        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password",
                                                                            "data-secret": ""}))
    revision = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    @property
    def helper(self) -> FormHelper:
        return arranged(
            "name", "address", "description", "enabled",
            Section("Syslog", "format"),
            Section("Certificates and token", "ca", "certificate", "secret_key", "secret_token"))

    @classmethod
    def of(cls, row: AuditTarget | None, data=None) -> "TargetForm":
        """``row`` is what is stored, None for a new one."""
        draft = targets.draft_of(row) if row else TargetDraft(name="")
        form = cls(data, initial={**{cls.places.get(name, name): value for name, value in vars(draft).items()},
                                  "revision": row.revision if row else None})
        for name, own in cls.places.items():
            if getattr(draft, name) == MASK:
                form.fields[own].help_text = "Stored, never shown. Type to replace it."
        return form

    def draft(self) -> TargetDraft:
        return TargetDraft(**{name: self.cleaned_data[self.places.get(name, name)] for name in LABELS})

    def has_seen(self, revision: int) -> None:
        """The sender is shown what is stored now, beside what was typed."""
        show_instead(self, revision=str(revision))


class AgainForm(ReasonForm):
    number = Whole(label="First Entry", help_text="Its number in History. What follows it is sent, too.")

    field_order = ("number", "reason")
