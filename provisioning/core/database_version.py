"""Whether the databases are of the version of this program: which migrations each has, and which it should have."""

import importlib.util
import pkgutil
import time
from collections.abc import Callable, Collection, Mapping
from functools import cache

from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as AnyDatabaseError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from provisioning.logbook.models import ALIAS as LOG
from provisioning.logbook.router import LABEL as LOGBOOK
from provisioning.record.models import ALIAS as RECORD

from .database_trouble import AHEAD, BEHIND, EMPTY, InTrouble, Trouble, lacks_something, trouble_of

OURS = frozenset({"provisioning", "record", LOGBOOK})
"""Whose migrations tell the version; those of packages follow from it."""
LOOK_S = 10.0
Migration = tuple[str, str]


def databases() -> dict[str, frozenset[str]]:
    """{alias: labels of the applications that count there} of all databases; where control's record has none of its
    own, it counts in the Configuration Database."""
    apart = {LOG: frozenset({LOGBOOK})}
    if settings.RECORD_IS_APART:
        apart[RECORD] = frozenset({"record"})
    return {DEFAULT_DB_ALIAS: frozenset(_on_disk()).difference(*apart.values()), **apart}


def missing(using: str, labels: Collection[str]) -> list[Migration]:
    """Those that a database is to have and does not, of these applications, oldest first. Raises DatabaseError."""
    applied = _applied(using)
    return sorted({(label, name) for label in labels for name in _on_disk().get(label, ())} - applied,
                  key=lambda each: (each[0] in OURS, *each))


def version_trouble(using: str = DEFAULT_DB_ALIAS) -> Trouble | None:
    """What is wrong with the version of a database; None for one of this version. Raises DatabaseError."""
    return judged(_applied(using), _on_disk(), databases().get(using, frozenset(_on_disk())))


def judged(applied: Collection[Migration], wanted: Mapping[str, Collection[str]],
           labels: Collection[str]) -> Trouble | None:
    """Of a database with the migrations ``applied``, by a program that has those of ``wanted``: {label: names}. Pure.
    """
    newer = sorted(name for label, name in applied if label in OURS & set(labels) and name > max(wanted[label]))
    if newer:
        return Trouble(AHEAD, newer[-1])
    if not applied:
        return Trouble(EMPTY)
    lacking = sorted((label in OURS, label, name) for label in labels for name in wanted[label]
                     if (label, name) not in applied)
    return Trouble(BEHIND, lacking[-1][2]) if lacking else None


def trouble_with(error: BaseException, using: str = DEFAULT_DB_ALIAS) -> Trouble | None:
    """As ``trouble_of``. Of an error that a database of another version makes, it is asked which one it has."""
    found = trouble_of(error)
    if found is not None or not lacks_something(error):
        return found
    try:
        return version_trouble(using)
    except Exception:
        # Whatever hinders the question, the error that led to it is what has to be told.
        return None


class VersionLook:
    """Whether the Configuration Database is of this version, asked for every LOOK_S at most while it is."""

    def __init__(self, ask: Callable[[], Trouble | None] = version_trouble,
                 clock: Callable[[], float] = time.monotonic):
        self._ask, self._clock = ask, clock
        self._well_until = float("-inf")

    def trouble(self) -> Trouble | None:
        """None also while the database cannot be asked: whoever needs it hears why."""
        if self._clock() < self._well_until:
            return None
        try:
            found = self._ask()
        except AnyDatabaseError:
            return None
        if found is None:
            self._well_until = self._clock() + LOOK_S
        return found

    def require(self) -> None:
        """Raises InTrouble where nothing may be written, as the database is of another version."""
        found = self.trouble()
        if found is not None:
            raise InTrouble(found)


look = VersionLook()


def _applied(using: str) -> set[Migration]:
    return set(MigrationRecorder(connections[using]).applied_migrations())


@cache
def _on_disk() -> dict[str, frozenset[str]]:
    """{label: names of its migrations}. Only names: loading all of them takes a command longer than its work."""
    return {each.label: frozenset(_names(each.label)) for each in apps.get_app_configs() if _names(each.label)}


def _names(label: str) -> list[str]:
    module = MigrationLoader.migrations_module(label)[0]
    spec = importlib.util.find_spec(module) if module else None
    places = spec.submodule_search_locations if spec else None
    return [found.name for found in pkgutil.iter_modules(places) if found.name[0] not in "_~"] if places else []
