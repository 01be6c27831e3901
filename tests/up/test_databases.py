"""What control's record holds for itself on the disk."""

import sqlite3
from pathlib import Path

import pytest
from django.db.utils import ConnectionHandler

from console.settings import _database
from console.up import databases
from console.up.databases import RESERVED, reserve_room


@pytest.fixture
def record(tmp_path, monkeypatch, django_db_blocker):
    """The file of a record, opened with the console's own settings."""
    file = tmp_path / "record.sqlite3"
    made = {"TEST": {}, **_database(f"sqlite:///{file}")}
    handler = ConnectionHandler({"default": made, databases.ALIAS: made})
    monkeypatch.setattr(databases, "connections", handler)
    with django_db_blocker.unblock():
        yield file
        handler.close_all()


def on_disk(record: Path) -> int:
    return sum(path.stat().st_size for path in record.parent.glob(f"{record.name}*"))


def test_what_control_writes_after_its_start_needs_no_room(record):
    reserve_room()
    with databases.connections[databases.ALIAS].cursor() as cursor:
        cursor.execute("CREATE TABLE row AS SELECT '' AS text")
        before = on_disk(record)
        assert before >= 2 * RESERVED
        for number in range(300):
            cursor.execute("UPDATE row SET text = %s", [f"{number:05d}" * 5000])
    assert on_disk(record) <= before


def test_a_record_that_holds_its_room_is_left_alone(record):
    reserve_room()
    before = on_disk(record)
    reserve_room()
    assert on_disk(record) == before


def test_a_record_that_cannot_be_written_is_no_reason_not_to_start(record):
    holder = sqlite3.connect(record)
    holder.execute("CREATE TABLE reserved (room TEXT NOT NULL CHECK (room = ''))")
    holder.commit()
    holder.close()
    reserve_room()
    assert on_disk(record) < RESERVED
