"""Forms of API tokens."""

from collections.abc import Sequence

from django import forms

from provisioning.accounts.forms.users import role_words
from provisioning.accounts.rules.tokens import LONGEST_DAYS, USUAL_DAYS, Draft
from provisioning.accounts.selectors.tokens import PERSON, SERVICE
from provisioning.models import ApiToken
from provisioning.states import Role, TokenScope, TokenState
from provisioning.web.fields import Check, Choice, Several, Text, offer, show_instead
from provisioning.web.filters import FilterForm, choice

NEVER = "never"
DAYS: dict[str, int | None] = {str(days): days for days in (7, 30, USUAL_DAYS, 180, LONGEST_DAYS)}
NETWORKS = "Good from there only, as in 10.0.0.0/8, 192.0.2.7. Empty: from everywhere."


class TokenFilter(FilterForm):
    text = forms.CharField(label="Name or owner")
    owner = choice("Owner", ((SERVICE, "Service accounts"), (PERSON, "People")))
    state = choice("State", TokenState.choices)


class NewTokenForm(forms.Form):
    """``roles``: those that the token can have, all of them chosen at first where there is but one."""

    name = Text(label="Name", must=True, help_text="What uses it, as in ansible or nightly-report.")
    description = Text(label="Description")
    scope = Choice(label="Good for", choices=TokenScope.choices, must=True,
                   help_text="One for metrics is good for /metrics and nothing else.")
    roles = Several(label="Roles", gone="%(value)s is no role that this token can have.", must=True,
                    help_text="One for metrics has none of them.")
    read_only = Check(label="Read only", help_text="It changes nothing, whatever its roles.")
    expires = Choice(label="Expires", must=True, error_messages={"invalid_choice": "Choose one of these times."})
    networks = Text(label="Networks", mono=True, help_text=NETWORKS)

    def __init__(self, data=None, *, roles: Sequence[str], may_never_expire: bool):
        super().__init__(data, initial={"scope": TokenScope.API, "expires": str(USUAL_DAYS),
                                        "roles": roles if len(roles) == 1 else ()})
        offer(self, "roles", [(role, f"{role}: {role_words(role)}") for role in Role.values if role in roles])
        offer(self, "expires", [*((days, f"in {days} days") for days in DAYS),
                                *([(NEVER, "never")] if may_never_expire else [])])

    def draft(self) -> Draft:
        values = dict(self.cleaned_data)
        expires = values.pop("expires") or str(USUAL_DAYS)
        return Draft(**{**values, "scope": values["scope"] or TokenScope.API}, days=DAYS.get(expires))


class TokenForm(forms.Form):
    """What of a token can be changed. ``revision``: that of the row which its sender has seen."""

    description = Text(label="Description")
    networks = Text(label="Networks", mono=True, help_text=NETWORKS)
    enabled = Check(label="Enabled", help_text="One that is disabled is good for nothing until it is enabled again.")
    revision = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    @classmethod
    def of(cls, row: ApiToken, data=None) -> "TokenForm":
        return cls(data, initial={name: getattr(row, name) for name in cls.base_fields})

    def has_seen(self, revision: int) -> None:
        """The sender is shown what is stored now, beside what was typed."""
        show_instead(self, revision=str(revision))
