"""Triggers that make the database itself refuse to change or remove history entries, whoever asks."""

from django.db import router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .history import NEVER, HistoryEntry

TABLE = HistoryEntry._meta.db_table
NAME = "pairwise_history_kept"
_INSTALL = {
    "sqlite": tuple(f"CREATE TRIGGER {NAME}_{verb} BEFORE {verb} ON {TABLE} BEGIN SELECT RAISE(ABORT, '{NEVER}'); END"
                    for verb in ("UPDATE", "DELETE")),
    "postgresql": (
        f"CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{NEVER}' "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE TRIGGER {NAME} BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} FOR EACH STATEMENT "
        f"EXECUTE FUNCTION {NAME}()",
        # Without this a session that plays a replica would not fire it.
        f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER {NAME}",
    ),
}
_REMOVE = {
    "sqlite": tuple(f"DROP TRIGGER IF EXISTS {NAME}_{verb}" for verb in ("UPDATE", "DELETE")),
    "postgresql": (f"DROP TRIGGER IF EXISTS {NAME} ON {TABLE}", f"DROP FUNCTION IF EXISTS {NAME}()"),
}
_FIND = {
    "sqlite": (f"SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{TABLE}' "
               f"AND name IN ('{NAME}_UPDATE', '{NAME}_DELETE')", 2),
    "postgresql": (f"SELECT count(*) FROM pg_trigger WHERE tgrelid = '{TABLE}'::regclass AND tgname = '{NAME}' "
                   "AND tgenabled = 'A'", 1),
}


def install(connection: BaseDatabaseWrapper) -> None:
    """From now on the database refuses. Does nothing when it does already, or has no history."""
    if _has_history(connection) and not is_installed(connection):
        _execute(connection, (*_REMOVE[connection.vendor], *_INSTALL[connection.vendor]))


def remove(connection: BaseDatabaseWrapper) -> None:
    """The database lets everything pass: only for ``flush``, and for taking the migration back."""
    if _has_history(connection):
        _execute(connection, _REMOVE[connection.vendor])


def _has_history(connection: BaseDatabaseWrapper) -> bool:
    return router.allow_migrate(connection.alias, HistoryEntry._meta.app_label)


def is_installed(connection: BaseDatabaseWrapper) -> bool:
    statement, count = _FIND[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] == count


def _execute(connection: BaseDatabaseWrapper, statements: tuple[str, ...]) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
