from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        # Makes the console's Celery application the one that shared tasks belong to.
        from console import celery  # noqa: F401
