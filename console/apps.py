from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "console"

    def ready(self):
        # These register the system checks, and celery is what shared tasks belong to.
        from console import celery, checks, sign_in_checks  # noqa: F401
