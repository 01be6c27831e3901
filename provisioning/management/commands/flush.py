from django.core.management.commands import flush
from django.db import connections

from provisioning.models import guard


class Command(flush.Command):
    """Django's own ``flush``, which empties every table and asks before it does: the one way to be rid of history."""

    help = f"{flush.Command.help} The history goes too."

    def handle(self, **options):
        connection = connections[options["database"]]
        guard.remove(connection)
        try:
            super().handle(**options)
        finally:
            guard.install(connection)
