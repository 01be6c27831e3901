"""Which database a table lives in: control's record in its own, everything else in the Configuration Database."""

from django.conf import settings

from .models import ALIAS

CONFIGURATION = "default"


class RecordRouter:
    """Named in settings.DATABASE_ROUTERS."""

    def db_for_read(self, model, **hints) -> str:
        return ALIAS if model._meta.app_label == "record" else CONFIGURATION

    db_for_write = db_for_read

    def allow_relation(self, one, other, **hints) -> bool:
        return self.db_for_read(one) == self.db_for_read(other)

    def allow_migrate(self, db: str, app_label: str, **hints) -> bool:
        """Where both are the same database, migrating either of them makes all tables."""
        return not settings.RECORD_IS_APART or (db == ALIAS) == (app_label == "record")
