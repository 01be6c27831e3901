"""The report as text for a terminal: a line for each finding, the verdict first."""

from collections.abc import Iterable, Iterator

from provisioning.states import Verdict

from .report import ABSENT, SEVERITIES, Found, Head, PairReport

_SIGNS = {"new": "+ ", "updated": "~ ", "unchanged": "  ", "absent": "- ", "": ""}


def write(head: Head, pairs: Iterable[PairReport]) -> Iterator[str]:
    for pair in pairs:
        yield f"{pair.verdict.upper()}  {pair.name}: {_counts(pair)}\n"
        for each in (*pair.found, *pair.gone):
            yield f"  {_SIGNS[each.baseline]}{_state(each):8} {each.code:4} {printable(_line(each))}\n"
        for unknown in pair.unjudged:
            sign = "  " if head.compared_with else ""
            yield f"  {sign}{'?':8} {'':4} {printable(unknown.sentence)} ({', '.join(unknown.codes)})\n"
    verdicts = ", ".join(f"{head.counts.get(verdict, 0)} {verdict}" for verdict in Verdict)
    yield f"{head.pairs} {'pair' if head.pairs == 1 else 'pairs'}: {verdicts}.\n"


def printable(text: str) -> str:
    """On one line, and nothing that a terminal would act on."""
    return "".join(each if each.isprintable() else " " if each.isspace() else "\N{REPLACEMENT CHARACTER}"
                   for each in text)


def _counts(pair: PairReport) -> str:
    numbers = [(pair.open(severity), severity) for severity in SEVERITIES]
    words = [f"{number} {word if number == 1 else f'{word}s'}" for number, word in numbers if number]
    words += [f"{pair.waived} waived"] if pair.waived else []
    unknown = len({code for each in pair.unjudged for code in each.codes})
    words += [f"{unknown} {'rule' if unknown == 1 else 'rules'} not known"] if unknown else []
    return ", ".join(words) or f"all {pair.passed} rules hold"


def _state(each: Found) -> str:
    return "gone" if each.baseline == ABSENT else "waived" if each.waived else each.severity


def _line(each: Found) -> str:
    if each.waived:
        return f"{each.sentence} (until {each.waived.expires_on}, {each.waived.by}: {each.waived.reason})"
    values = "; ".join(f"{label}: {text}" for label, text in each.values)
    return f"{each.sentence} [{values}]" if values else each.sentence
