"""Forms of the Users page."""

from collections.abc import Collection

from django import forms

from provisioning.core.permissions import ROLE_VERBS, VERBS
from provisioning.states import Role
from provisioning.web.fields import show_instead
from provisioning.web.filters import FilterForm


def role_words(role: str) -> str:
    """What a role may do, as one line."""
    return "everything" if ROLE_VERBS[role] >= VERBS.keys() else ", ".join(
        words for verb, words in VERBS.items() if verb in ROLE_VERBS[role])


class _Roles(forms.MultipleChoiceField):
    must = True
    """The rule is the service's; the mark is the page's."""


class RolesForm(forms.Form):
    roles = _Roles(
        label="Roles", required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(role, f"{role}: {role_words(role)}") for role in Role.values],
        error_messages={"invalid_choice": "%(value)s is no role."})


class ChangedRolesForm(RolesForm):
    """``seen``: the roles that were there when these were chosen."""

    NONE = "none"
    seen = forms.CharField(required=False, max_length=255, widget=forms.HiddenInput)

    @classmethod
    def of(cls, roles: Collection[str], data=None) -> "ChangedRolesForm":
        return cls(data, initial={"roles": roles, "seen": ",".join(roles) or cls.NONE})

    def has_seen(self, roles: Collection[str]) -> None:
        """The sender is shown ``roles`` now, beside what was chosen."""
        show_instead(self, seen=",".join(roles) or self.NONE)

    def clean_seen(self) -> list[str] | None:
        """None of a sender who looked at nothing."""
        seen = self.cleaned_data["seen"]
        return [] if seen == self.NONE else seen.split(",") if seen else None


class NewUserForm(RolesForm):
    name = forms.CharField(
        label="User name", max_length=150, help_text="Letters, digits and @ . + - _",
        error_messages={"required": "A user needs a name."},
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "autocapitalize": "off",
                                      "spellcheck": "false", "data-autofocus": ""}))
    field_order = ("name", "roles")


class UserFilter(FilterForm):
    text = forms.CharField(label="User name")
    role = forms.ChoiceField(label="Role", choices=[("", "Any"), *Role.choices])
    state = forms.ChoiceField(label="State", choices=[("", "Any"), ("enabled", "Enabled"), ("disabled", "Disabled")])
