"""docs/audit-rules.md is what the registry of rules gives."""

from docs import audit_rules
from provisioning.audit.registry import RULES


def test_the_catalogue_is_up_to_date():
    assert audit_rules.PAGE.read_text() == audit_rules.page(), "run: python -m docs.audit_rules"


def test_every_rule_has_its_section():
    assert [line[3:] for line in audit_rules.page().splitlines() if line.startswith("## ")] == sorted(RULES)
