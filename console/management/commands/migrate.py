"""``manage.py migrate``: as Django's own, of all databases unless one is named."""

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS

from provisioning.errors import WrongKey
from provisioning.logbook.models import ALIAS as LOG
from provisioning.logbook.router import LABEL as LOGBOOK
from provisioning.record.models import ALIAS


class Command(migrate.Command):
    help = migrate.Command.help + (" Without an application: control's database, then that of log records, then "
                                   "everything else; with --database that one alone.")

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def get_check_kwargs(self, options):
        return super().get_check_kwargs(options) | {"databases": [options["database"] or DEFAULT_DB_ALIAS]}

    def handle(self, *args, **options):
        try:
            self._migrate(*args, **options)
        except WrongKey as error:
            raise CommandError(str(error)) from None

    def _migrate(self, *args, **options):
        label, database = options["app_label"], options["database"]
        # Control's first: it takes over what an earlier version kept in the other one, which then drops it.
        apart = {"record": ALIAS} if settings.RECORD_IS_APART else {}
        apart[LOGBOOK] = LOG
        if database and label:
            super().handle(*args, **options)
            return
        for own, alias in apart.items():
            if label in (None, own) and database in (None, alias):
                # Nothing else lives there, and no table of it comes without a migration.
                super().handle(*args, **options | {"database": alias, "app_label": own, "run_syncdb": False})
        if label not in apart and database not in apart.values():
            super().handle(*args, **options | {"database": database or DEFAULT_DB_ALIAS})
