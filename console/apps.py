from django.apps import AppConfig
from django.conf import settings


class ConsoleConfig(AppConfig):
    name = "console"

    def ready(self):
        if not settings.ASKS_SERVICES:
            return
        # These register the system checks, and celery is what shared tasks belong to.
        from console import celery, checks, sign_in_checks  # noqa: F401
