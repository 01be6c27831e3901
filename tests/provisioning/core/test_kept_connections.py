"""What a thread keeps from one piece of its work to the next of its connections to databases."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, connections

from console.schedule import Duty, done
from control.database import Database
from provisioning.core.database_thread import DatabaseThread
from provisioning.jobs.worker.report_reader import Reader

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], object]


def as_duties(*pieces: Work) -> None:
    for piece in pieces:
        done(Duty(piece, 1.0))


def of_control(*pieces: Work) -> None:
    async def work() -> None:
        database = Database("the test's database")
        for piece in pieces:
            await database.run(piece, patience_s=0.0)
        await database.close()

    asyncio.run(work())


def beside_a_loop(*pieces: Work) -> None:
    async def work() -> None:
        database = DatabaseThread("test")
        for piece in (*pieces, connections.close_all):
            await database.do(piece)
        await database.end()

    asyncio.run(work())


def of_the_reader_of_reports(*pieces: Work) -> None:
    left = list(pieces)

    class Looks(Reader):
        def look(self) -> bool:
            left.pop(0)()
            if not left:
                self.stop()
            return True

    Looks()._run()


@pytest.fixture(params=[as_duties, of_control, beside_a_loop, of_the_reader_of_reports], ids=lambda each: each.__name__)
def works(request):
    """Does pieces of work one after the other, in a thread that keeps its connections meanwhile."""
    def in_a_thread(*pieces: Work) -> None:
        def work() -> None:
            request.param(*pieces)
            connections.close_all()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    return in_a_thread


def ask() -> object:
    """The driver's connection by which the database was asked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return connection.connection


def test_one_to_a_file_is_kept(works):
    used = []
    works(lambda: used.append(ask()), lambda: used.append(ask()))
    assert used[0] is used[1]


def test_one_to_a_server_is_given_back_after_each_piece_of_work(works):
    used = []

    def first() -> None:
        used.append(ask())
        connection.vendor = "postgresql"

    works(first, lambda: used.append(ask()))
    assert used[0] is not used[1]


def test_one_that_failed_is_not_kept_though_nobody_was_told(works):
    used = []

    def fails() -> None:
        used.append(ask())
        with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("no SQL")

    works(fails, lambda: used.append(ask()))
    assert used[0] is not used[1]
