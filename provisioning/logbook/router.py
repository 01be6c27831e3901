"""Log records live in their own database, and nothing else does."""

from .models import ALIAS

LABEL = "logbook"


class LogRouter:
    """Named in settings.DATABASE_ROUTERS, before the router of everything else."""

    def db_for_read(self, model, **hints) -> str | None:
        return ALIAS if model._meta.app_label == LABEL else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints) -> bool | None:
        """None: somebody else's business."""
        if app_label == LABEL:
            return db == ALIAS
        return False if db == ALIAS else None
