"""Records found by their destination: the same as by looking at every one of them, whatever happened to the log."""

import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from messageserver import places, reader
from messageserver.beginnings import AtNewest
from messageserver.ownership import StoreError
from messageserver.paired_store import PairedStore
from messageserver.places import Places
from messageserver.reader import Reader, Wanted
from messageserver.records import Draft
from messageserver.selector import parse
from messageserver.settings import Retention

KEEP_ALL = Retention(records=0, days=0, megabytes=0, dedup_window=1000)
DESTINATIONS = ("/topic/a", "/topic/a.b", "/topic/a.c", "/topic/b", "/queue/\U0010ffff", "mark:queue:a")
PATTERNS = (*DESTINATIONS[:5], "/topic/a.*", "/topic/*", "/*", "/queue/\U0010ffff*", "/topic/none", "/topic/none*")
SELECTORS = ("colour = 'red'", "colour <> 'red'", "colour = 'red' AND size <> 2")
HEADERS = (b"", b"colour:red\n", b"colour:blue\nsize:2\n", b"size:3\ncolour:red\n")
WHAT = st.lists(st.tuples(st.sampled_from(DESTINATIONS), st.sampled_from(HEADERS)), min_size=1, max_size=14)
IN_MEMORY = Path("/dev/shm")
SMALL = {(places, "BLOCK"): 4, (places, "FILL_BLOCKS"): 1, (reader, "SCAN_RECORDS"): 5, (reader, "SCAN_BLOCKS"): 2,
         (reader, "WALK_BLOCKS"): 3}


class FormerRelease(Places):
    """Keeps no places."""

    def __init__(self, *_):
        pass

    def add(self, rows):
        pass

    doubt = trimmed = truncated = begin_anew = lambda self, *_: None


def matches(pattern: str, destination: str) -> bool:
    return destination.startswith(pattern[:-1]) if pattern.endswith("*") else destination == pattern


class AnyLog(RuleBasedStateMachine):
    """One store, beside a list of what it holds."""

    def __init__(self):
        super().__init__()
        self._directory = tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        self._patch = pytest.MonkeyPatch()
        for (module, name), value in SMALL.items():
            self._patch.setattr(module, name, value)
        self._kept: list[tuple[int, str, bytes]] = []
        self._epoch = 1
        self._open(Places)
        self._reader = Reader(self._store.directory)

    def _open(self, writer: type[Places]) -> None:
        self._patch.setattr("messageserver.store.Places", writer)
        self._store = PairedStore(Path(self._directory.name), KEEP_ALL)
        self._store.grant("primary", self._epoch, 1)

    def teardown(self) -> None:
        self._reader.close()
        self._store.close()
        self._patch.undo()
        self._directory.cleanup()

    @rule(what=WHAT)
    def append(self, what):
        drafts = [Draft(destination, headers, b"x") for destination, headers in what]
        seqs = self._store.append(drafts, self._epoch).seqs
        self._kept += [(seq, *each) for seq, each in zip(seqs, what, strict=True)]

    @rule(count=st.integers(1, 30))
    def append_to_one_destination(self, count):
        self.append([("/topic/a", b"")] * count)

    @rule(share=st.floats(0, 1))
    def trim(self, share):
        upto = self._store.first_seq + int(share * (self._store.last_seq - self._store.first_seq))
        self._store.trim_to(upto)
        self._kept = [each for each in self._kept if each[0] > upto]

    @rule(share=st.floats(0, 1))
    def cut_back(self, share):
        after = self._store.first_seq - 1 + int(share * (self._store.last_seq - self._store.first_seq + 1))
        self._store.truncate_after(after)
        self._kept = [each for each in self._kept if each[0] <= after]
        self._epoch += 1
        self._store.grant("primary", self._epoch, 1)

    @rule(base=st.integers(0, 40))
    def begin_anew(self, base):
        self._store.begin_anew(self._store.last_seq, base, b"d" * 16)
        self._kept = []
        self._epoch += 1
        self._store.grant("primary", self._epoch, 1)

    @rule()
    def open_again(self):
        self._store.close()
        self._open(Places)

    @rule(kept=st.floats(0, 1), removed=st.floats(0, 1), what=WHAT)
    def a_former_release_goes_on(self, kept, removed, what):
        self._store.close()
        self._open(FormerRelease)
        self.cut_back(kept)
        self.append(what)
        self.trim(removed)
        self.open_again()

    @rule()
    def the_disk_fails(self):
        db, self._store._db = self._store._db, sqlite3.connect(":memory:")
        with pytest.raises(StoreError):
            self._store.append([Draft("/topic/b", b"", b"lost")], self._epoch)
        self._store._db.close()
        self._store._db = db

    @rule()
    def recover(self):
        self._store.recover()

    @rule()
    def fill(self):
        self._store.fill_places()

    @invariant()
    def every_read_finds_what_is_there(self):
        middle = (self._store.first_seq + self._store.last_seq) // 2
        for pattern in PATTERNS:
            expected = [seq for seq, destination, _ in self._kept if matches(pattern, destination)]
            assert self._read(1, Wanted(pattern)) == expected
            assert self._read(middle, Wanted(pattern)) == [seq for seq in expected if seq >= middle]
            assert self._first_of_newest(3, Wanted(pattern)) == (
                expected[-3:][0] if expected else self._store.last_seq + 1)
        for text in SELECTORS:
            wanted = Wanted("/topic/*", parse(text))
            assert self._read(1, wanted) == [seq for seq, destination, headers in self._kept
                                             if matches("/topic/*", destination) and parse(text).selects(headers)]

    def _read(self, at: int, wanted: Wanted) -> list[int]:
        found = []
        while at <= self._store.last_seq:
            got = self._reader.read(at, self._store.last_seq, pattern=wanted.pattern, selector=wanted.selector, limit=3)
            assert got.next_seq > at
            found += [record.seq for record in got.records]
            at = got.next_seq
        return found

    def _first_of_newest(self, count: int, wanted: Wanted) -> int:
        found = AtNewest(count)
        while not isinstance(found, int):
            found = found.look(self._reader, self._store.last_seq, wanted)
        return found


TestAnyLog = AnyLog.TestCase
TestAnyLog.settings = settings(stateful_step_count=10, deadline=None)
