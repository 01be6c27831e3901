"""The report as CSV for spreadsheets: a row for each finding, and for each reason why rules are not known."""

from collections.abc import Iterable, Iterator

from provisioning.core.csv_cells import BOM, line

from .report import ABSENT, Found, Head, PairReport, Unjudged

COLUMNS = (
    "Pair", "Primary", "Backup", "Verdict", "State", "Severity", "Rule", "Title", "Subject", "Finding",
    "First label", "First value", "Second label", "Second value", "Why it matters", "How to fix it", "Guide",
    "Servers", "Since", "Waived by", "Reason", "Waived until", "Compared", "Checked",
)


def write(head: Head, pairs: Iterable[PairReport]) -> Iterator[str]:
    yield BOM + line(COLUMNS)
    for pair in pairs:
        for each in (*pair.found, *pair.gone):
            yield line(_finding(pair, each))
        for unknown in pair.unjudged:
            yield line(_unknown(pair, unknown))


def _pair(pair: PairReport) -> tuple:
    backup = pair.members[1].name if len(pair.members) > 1 else ""
    return pair.name, pair.members[0].name, backup, pair.verdict_label


def _finding(pair: PairReport, each: Found) -> tuple:
    state = "gone" if each.baseline == ABSENT else "waived" if each.waived else "open"
    (first, one), (second, other) = (*each.values, ("", ""), ("", ""))[:2]
    waived = each.waived
    return (*_pair(pair), state, each.severity, each.code, each.title, each.subject, each.sentence, first, one, second,
            other, each.why, each.fix, each.guide, ", ".join(each.servers), each.since.isoformat(),
            waived.by if waived else "", waived.reason if waived else "", waived.expires_on if waived else "",
            each.baseline, pair.confirmed.isoformat())


def _unknown(pair: PairReport, each: Unjudged) -> tuple:
    return (*_pair(pair), "not known", each.severity, " ".join(each.codes), "", "", each.sentence, *[""] * 13,
            pair.confirmed.isoformat())
