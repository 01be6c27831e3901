"""Whether history is what was recorded: walks the chain of entries (ADR 13)."""

import re
from dataclasses import dataclass, field

from django.db import connection

from provisioning import chain
from provisioning.keys import all_keys
from provisioning.models import HistoryEntry, HistoryHead, HistoryKey, guard

AT_ONCE = 1000
_EXPECTED = re.compile(r"(\d{1,15}):([0-9a-f]{64})")


@dataclass(frozen=True)
class Mark:
    """How many entries there were, and the digest of the last: to be kept where nobody who writes this database can
    write."""

    count: int
    digest: str

    def __str__(self) -> str:
        return f"{self.count}:{self.digest}"

    @classmethod
    def read(cls, text: str) -> "Mark":
        """Out of COUNT:DIGEST. Raises ValueError with a sentence."""
        found = _EXPECTED.fullmatch(text.strip())
        if found is None:
            raise ValueError("Give what verify_history printed: COUNT:DIGEST, a number and 64 hexadecimal digits.")
        return cls(int(found[1]), found[2])


@dataclass
class ChainVerdict:
    """``faults``: sentences, in the order of the chain; the first ends the walk. ``entry``: number of the first entry
    that is not what it should be, None when the fault is none of an entry."""

    mark: Mark
    faults: list[str] = field(default_factory=list)
    entry: int | None = None

    @property
    def is_whole(self) -> bool:
        return not self.faults


def verify(expected: Mark | None = None) -> ChainVerdict:
    """Look at every entry, AT_ONCE in memory; entries that are added meanwhile do no harm. ``expected``: what an
    earlier run printed."""
    before = _head()
    walk = _Walk(expected)
    rows: list[HistoryEntry] = list(HistoryEntry.objects.order_by("number", "id")[:AT_ONCE])
    while rows and walk.fault is None:
        for entry in rows:
            if walk.fault is None:
                walk.look_at(entry)
        rows = list(HistoryEntry.objects.filter(number__gt=rows[-1].number).order_by("number", "id")[:AT_ONCE])
    verdict = ChainVerdict(Mark(walk.number, walk.last), [walk.fault] if walk.fault else [], walk.entry)
    if verdict.is_whole:
        _compare_end(verdict, before, expected)
    if not guard.is_installed(connection):
        verdict.faults.append("The triggers that keep entries from being changed or removed are missing from the "
                              "database. Find out who removed them; `manage.py migrate` puts them back.")
    return verdict


def _keys() -> chain.ChainKeys:
    """As far as the secret key was rotated by now. Raises WrongKey."""
    possible, head = [chain.key_of(secret) for secret in all_keys()], HistoryHead.objects.filter(pk=1).first()
    # Until the next entry the chain ends with the key that was the present one before.
    present = chain.sealed_by(possible, head) if head is not None else None
    return chain.ChainKeys(HistoryKey.sections(), present or possible[0])


def ends_with_a_former_key() -> bool:
    """Whether no entry was added since the secret key was changed: the chain still needs the former one then."""
    return _keys().present != chain.key_of(all_keys()[0])


class _Walk:
    def __init__(self, expected: Mark | None):
        self.keys, self.expected = _keys(), expected
        self.number, self.last = 0, chain.BEGINNING
        self.fault: str | None = None
        self.entry: int | None = None

    def look_at(self, entry: HistoryEntry) -> None:
        due = self.number + 1
        if entry.number > due:
            self._stop(due, f"{_numbers(due, entry.number - 1)} missing: {describe(entry)} comes after "
                            f"{f'entry {self.number}' if self.number else 'the beginning'}.")
        elif entry.number < due:
            self._stop(entry.number, f"{describe(entry)} was added: it has the number of another one.")
        elif not self._is_genuine(entry):
            hint = (" If PAIRWISE_SECRET_KEY was changed, or the database came from another console, every entry looks "
                    "like that: verify with the key that they were written with.") if due == 1 else ""
            self._stop(entry.number, f"{describe(entry)} was changed or added: its digest is not that of what it "
                                     f"says.{hint}")
        elif entry.previous != self.last:
            self._stop(entry.number, f"{describe(entry)} does not follow the entry before it: one of both was "
                                     "replaced.")
        else:
            self.number, self.last = entry.number, entry.digest
            self._compare_expected()

    def _is_genuine(self, entry: HistoryEntry) -> bool:
        if self._fits(entry):
            return True
        # The key may have been rotated while we walk.
        self.keys = _keys()
        return self._fits(entry)

    def _fits(self, entry: HistoryEntry) -> bool:
        return (chain.same(entry.digest, chain.digest(self.keys.at(entry.number), vars(entry)))
                and self.keys.ends(entry.number, entry.digest))

    def _compare_expected(self) -> None:
        if self.expected and self.expected.count == self.number and self.expected.digest != self.last:
            self._stop(self.number, f"Entry {self.number} is not the one that was the last when {self.expected.count} "
                                    "entries were expected: history was written anew since.")

    def _stop(self, number: int, sentence: str) -> None:
        self.entry, self.fault = number, sentence


def _compare_end(verdict: ChainVerdict, before: Mark | None, expected: Mark | None) -> None:
    """What only the end of the chain shows: entries cut off, or added behind it."""
    count, head = verdict.mark.count, HistoryHead.objects.filter(pk=1).first()
    stored = HistoryEntry.objects.filter(number__lte=count).count()
    if stored != count:
        verdict.faults.append(f"{stored} entries are stored under {count} numbers: some were added.")
    elif head is None and count:
        verdict.faults.append("The head of the chain is missing: nobody can tell whether the last entries are there.")
    elif head is not None and chain.sealed_by(map(chain.key_of, all_keys()), head) is None:
        verdict.faults.append("The head of the chain was not written by this console: nobody can tell whether the "
                              "last entries are there.")
    elif before is not None and count < before.count:
        verdict.faults.append(f"{_numbers(count + 1, before.count)} missing: the chain ends before them.")
        verdict.entry = count + 1
    elif count > (head.count if head else 0):
        verdict.faults.append(f"{_numbers(head.count + 1 if head else 1, count)} added: the chain ended before.")
        verdict.entry = head.count + 1 if head else 1
    elif expected is not None and count < expected.count:
        verdict.faults.append(f"{_numbers(count + 1, expected.count)} missing: {expected.count} entries were expected "
                              f"and there are {count}.")
        verdict.entry = count + 1


def describe(entry: HistoryEntry) -> str:
    """An entry in a sentence, for people who look for it."""
    return (f"Entry {entry.number} ({entry.get_action_display().lower()} {entry.object_type} {entry.object_name}, "
            f"{entry.at:%Y-%m-%d %H:%M:%S} UTC, {entry.user_name})")


def _numbers(first: int, last: int) -> str:
    return f"Entry {first} is" if first == last else f"Entries {first} to {last} are"


def _head() -> Mark | None:
    row = HistoryHead.objects.filter(pk=1).first()
    return Mark(row.count, row.digest) if row else None
