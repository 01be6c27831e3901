from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        # The Celery application becomes the one that shared tasks belong to; the checks register themselves.
        from console import celery, checks  # noqa: F401
