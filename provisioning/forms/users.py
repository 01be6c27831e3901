"""Forms of the Users page."""

from django import forms

from provisioning.forms.filters import FilterForm
from provisioning.permissions import ROLE_VERBS, VERBS
from provisioning.states import Role


def role_words(role: str) -> str:
    """What a role may do, as one line."""
    return "everything" if ROLE_VERBS[role] >= VERBS.keys() else ", ".join(
        words for verb, words in VERBS.items() if verb in ROLE_VERBS[role])


class RolesForm(forms.Form):
    roles = forms.MultipleChoiceField(
        label="Roles", required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(role, f"{role}: {role_words(role)}") for role in Role.values],
        error_messages={"invalid_choice": "%(value)s is no role."})
    # The rule is the service's; the mark is the page's.
    roles.must = True


class NewUserForm(RolesForm):
    name = forms.CharField(
        label="User name", max_length=150, help_text="Letters, digits and @ . + - _",
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "autocapitalize": "off",
                                      "spellcheck": "false", "data-autofocus": ""}))
    field_order = ("name", "roles")


class UserFilter(FilterForm):
    text = forms.CharField(label="User name")
    role = forms.ChoiceField(label="Role", choices=[("", "Any"), *Role.choices])
    state = forms.ChoiceField(label="State", choices=[("", "Any"), ("enabled", "Enabled"), ("disabled", "Disabled")])
