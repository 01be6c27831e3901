"""Writes audit-rules.md from the registry of the audit's rules: ``python -m docs.audit_rules``."""

import os
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    django.setup()

from provisioning.audit import rules  # noqa: F401 the rules register themselves
from provisioning.audit.registry import Rule, ordered
from provisioning.audit.remedies import REMEDIES

PAGE = Path(__file__).with_name("audit-rules.md")
HEAD = """# The rules of the audit

Made from `provisioning/audit/rules/` by `python -m docs.audit_rules`; a test holds that it is up to date. How the audit
is used: [`audit.md`](audit.md). *In the guide* names the place in the procedure that [`guide.md`](guide.md) retells.

A rule that looks at hosts is judged by what is true there; while nobody knows that, it is *not known*, never passed.
An **error** breaks a start or a failover, a **warning** is likely trouble, a **note** is worth knowing. A pair is
*Broken* with an error, *At risk* with a warning or while an error or a warning is not known, else *Ready*.

"""


def page() -> str:
    """The whole page."""
    found = ordered()
    table = ["| rule | severity | what holds | looks at | fix by Pairwise |", "|---|---|---|---|---|",
             *(f"| [{rule.code}](#{rule.code.lower()}) | {rule.severity.label} | {rule.title} | {_looks_at(rule)} | "
               f"{_remedy(rule)} |" for rule in found)]
    return HEAD + "\n".join([*table, "", *(line for rule in found for line in _section(rule))]).rstrip() + "\n"


def _looks_at(rule: Rule) -> str:
    return "hosts" if rule.on_hosts else "configuration"


def _remedy(rule: Rule) -> str:
    return REMEDIES[rule.remedy].label if rule.remedy else ""


def _section(rule: Rule) -> list[str]:
    lines = [f"## {rule.code}", "", f"**{rule.title}** ({rule.severity.label.lower()})", "", rule.why, "",
             f"*How to fix it:* {rule.fix}"]
    if rule.guide:
        lines += ["", f"*In the guide:* {rule.guide}."]
    return [*lines, ""]


if __name__ == "__main__":
    PAGE.write_text(page())
