"""The form of a Host (fields and rules: domain.md 1.4; the rules themselves are the services')."""

import ipaddress
import re
import socket
import threading
from dataclasses import asdict

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Field
from django import forms

from provisioning.core.reasons import MAX_REASON
from provisioning.core.systems import label_of
from provisioning.drafts import HostDraft
from provisioning.models import Host
from provisioning.models.hosts import LCA_PORT_DEFAULT, LCA_PORT_MAX, LCA_PORT_MIN
from provisioning.states import OFFERED_SYSTEMS, OSType
from provisioning.web.fields import DIGITS, offer, offered
from provisioning.web.layouts import arranged

LOOKUP_S = 3.0
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,253}[A-Za-z0-9])?")


class LookupFailed(ValueError):
    """The name has no address; ``str()`` is the sentence for the user."""


def look_up_address(name: str, within_s: float = LOOKUP_S) -> str:
    """The IP address of ``name`` as this machine sees it, IPv4 preferred. Raises LookupFailed.

    The resolver of the operating system knows no timeout, so it runs in a thread that may be left behind.
    """
    if not _HOST_NAME.fullmatch(name):
        raise LookupFailed("Type the network name of the machine into Name first.")
    found: list[str] = []

    def resolve():
        try:
            rows = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except OSError:
            return
        found.extend(dict.fromkeys(str(row[4][0]) for row in sorted(rows, key=lambda row: row[0] != socket.AF_INET)))

    thread = threading.Thread(target=resolve, daemon=True, name="look-up")
    thread.start()
    thread.join(within_s)
    if found:
        return found[0]
    raise LookupFailed(f"No address was found for {name}. Check the name, or type the address.")


class HostForm(forms.Form):
    """What is typed for a Host; ``draft()`` is the domain's own value."""

    lookup_error = ""
    """Why the address was not found that the name has now."""

    name = forms.CharField(
        label="Name", max_length=255, error_messages={"required": "A host needs a Name."},
        help_text="The network name of the machine. It cannot change while applications are assigned to it.")
    ip_address = forms.CharField(
        label="IP Address", max_length=64, help_text="Unique. The button looks it up from the name.",
        error_messages={"required": "A host needs an IP Address: type it, or look it up from the name."})
    os_type = forms.ChoiceField(
        label="OS Type", choices=[(each, each.label) for each in OFFERED_SYSTEMS], initial=OSType.LINUX,
        help_text="The agent runs on Linux. On Windows people start Message Servers by hand.",
        error_messages={"invalid_choice": "No agent runs on %(value)s. Choose one of the list."})
    os_version = forms.CharField(label="OS Version", max_length=64, required=False, help_text="Free text.")
    lca_port = forms.IntegerField(
        label="LCA Port", initial=LCA_PORT_DEFAULT, min_value=LCA_PORT_MIN, max_value=LCA_PORT_MAX, widget=DIGITS,
        error_messages=dict.fromkeys(("required", "invalid"), "LCA Port must be a whole number."),
        help_text=f"Port of the Local Control Agent, {LCA_PORT_MIN} to {LCA_PORT_MAX}; {LCA_PORT_DEFAULT} by default. "
                  "A change takes effect after the agent restarts.")
    enabled = forms.BooleanField(label="Enabled", required=False, initial=True,
                                 help_text="A disabled host runs no jobs.")
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)
    reason = forms.CharField(label="Reason for this change", max_length=MAX_REASON, required=False,
                             help_text="Optional. Shown in History.")

    use_required_attribute = False
    BESIDES = ("revision", "reason")
    """Fields that are no part of the draft."""

    def __init__(self, *args, stored: str = "", **kwargs):
        """``stored``: the OS Type that the host has, which it may keep."""
        super().__init__(*args, **kwargs)
        self.stored = stored
        if stored not in ("", *OFFERED_SYSTEMS):
            offer(self, "os_type", [*offered(self, "os_type"), (stored, f"{label_of(stored)} (no agent runs there)")])
        for name, field in self.fields.items():
            if name not in ("enabled", "revision"):
                field.widget.attrs["class"] = "input short" if name == "lca_port" else "input"
            if field.required:
                field.widget.attrs["aria-required"] = "true"
        self.fields["name"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        self.fields["ip_address"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false", "class": "input mono"}

    @property
    def helper(self) -> FormHelper:
        address = Field("ip_address", template="pairwise/layout/address.html")
        return arranged(*(address if name == "ip_address" else name for name in self.fields), summary=False)

    @classmethod
    def of(cls, host: Host) -> "HostForm":
        """The form filled with what is stored."""
        return cls(initial={name: getattr(host, name) for name in cls.base_fields if name != "reason"},
                   stored=host.os_type)

    @classmethod
    def of_draft(cls, draft: HostDraft, *, revision: int, reason: str) -> "HostForm":
        """The form filled with a draft that is to be saved over ``revision``."""
        return cls(initial=asdict(draft) | {"revision": revision, "reason": reason}, stored=draft.os_type)

    def clean_ip_address(self) -> str:
        try:
            return str(ipaddress.ip_address(self.cleaned_data["ip_address"].strip()))
        except ValueError:
            raise forms.ValidationError(
                "This is no IP address. Write it as 192.0.2.10 or 2001:db8::10, or look it up from the name.") from None

    def draft(self) -> HostDraft:
        """Only after ``is_valid()``."""
        return HostDraft(**{name: value for name, value in self.cleaned_data.items() if name not in self.BESIDES})

    def with_address(self) -> "HostForm":
        """A form with the same input and the address that the name has now; or with the reason why not."""
        values = {name: self.data.get(name) for name in self.fields if name in self.data}
        values["enabled"] = "enabled" in self.data
        try:
            found = {"ip_address": look_up_address((self.data.get("name") or "").strip())}
            return HostForm(initial=values | found, stored=self.stored)
        except LookupFailed as failed:
            form = HostForm(initial=values, stored=self.stored)
            form.lookup_error = str(failed)
            return form
