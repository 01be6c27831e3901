"""A database thread tries again what may be better the next time, and nothing else."""

import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, ProgrammingError

from control.database import Database, DatabaseAway


@pytest.fixture
async def database():
    made = Database("the test's database")
    yield made
    await made.close()


def failing(error: Exception, times: int):
    left = [error] * times

    def work():
        if left:
            raise left.pop()
        return "done"
    return work


@pytest.mark.parametrize("error", [OperationalError("database is locked"), InterfaceError("connection is closed"),
                                   DatabaseError("database disk image is malformed")], ids=lambda error: str(error))
async def test_trouble_of_the_database_is_tried_again_and_then_said(database, error):
    assert await database.run(failing(error, 1)) == "done"
    with pytest.raises(DatabaseAway, match=f"the test's database does not answer: {error}"):
        await database.run(failing(error, 100), patience_s=0.01)


@pytest.mark.parametrize("error", [IntegrityError("UNIQUE"), ProgrammingError("no such table"), ValueError("fault")])
async def test_a_fault_of_what_was_asked_comes_back_at_once(database, error):
    with pytest.raises(type(error)):
        await database.run(failing(error, 1))
