"""Filters of the audit's pages."""

from django import forms

from provisioning.audit.registry import ordered
from provisioning.states import Severity, Verdict
from provisioning.web.fields import offer
from provisioning.web.filters import FilterForm, Named, choice


def rule_choices() -> list[tuple[str, str]]:
    """Every rule of the audit as ``A27: Auto-Restart is on``."""
    return [(rule.code, f"{rule.code}: {rule.title}") for rule in ordered()]


class AuditFilter(FilterForm):
    text = forms.CharField(label="Pair")
    verdict = choice("Verdict", Verdict.choices)
    host = Named("Host", "hosts")
    severity = choice("Severity", Severity.choices)
    rule = choice("Rule", [])
    show = choice("Show", [("waived", "Waived findings"), ("unknown", "Rules not known"), ("single", "In no pair")],
                   "Everything")

    def __init__(self, data):
        super().__init__(data)
        offer(self, "rule", [("", "Any"), *rule_choices()])


class WaiverFilter(FilterForm):
    text = forms.CharField(label="Pair, reason or person")
    state = choice("State", [("active", "Active"), ("soon", "Ending soon"), ("ended", "Ended")])
    rule = choice("Rule", [])

    def __init__(self, data):
        super().__init__(data)
        offer(self, "rule", [("", "Any"), *rule_choices()])
