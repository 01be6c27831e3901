"""What became worse or better about a pair since that was last told. Pure."""

from collections.abc import Collection, Iterable
from datetime import timedelta

from protocol.events import Own
from provisioning.audit.judgement import verdict
from provisioning.states import Severity, Verdict

LASTS = timedelta(seconds=60)
"""What is over by then, as while a server starts or another one takes over, is not told."""


def by_findings(severities: Iterable[str]) -> Verdict:
    """The verdict of what is found alone: that something is not known at the moment makes no pair worse."""
    return verdict((Severity(each) for each in severities), ())


def moved(was: Verdict, was_unknown: Collection[str], found: Collection[tuple[str, str]]) -> Own | None:
    """``found``: (code, severity) of the findings that nobody waived; ``was_unknown``: codes of the rules that could
    not be judged when it was ``was``. What they find now may have been there before."""
    order = [*Verdict]
    if order.index(by_findings(grave for code, grave in found if code not in was_unknown)) < order.index(was):
        return Own.AUDIT_WORSE
    return Own.AUDIT_BETTER if order.index(by_findings(grave for _, grave in found)) > order.index(was) else None
