from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "console"

    def ready(self):
        # The one registers the system checks, the other is what shared tasks belong to.
        from console import celery, checks  # noqa: F401
