from django.apps import AppConfig
from django.conf import settings
from django.db import connections, router
from django.db.models.signals import post_migrate


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        if settings.ASKS_SERVICES:
            from provisioning import registrations  # noqa: F401 - what it imports says what it owns
        if settings.SIGNS_PEOPLE_IN:
            from django.contrib.auth.signals import user_logged_in

            from provisioning.accounts.views.session_life import on_signed_in

            user_logged_in.connect(on_signed_in)
        post_migrate.connect(_guard_history, sender=self)
        post_migrate.connect(_provide_alarm_conditions, sender=self)


def _guard_history(*, using, apps=None, **kwargs):
    """SQLite drops a table's triggers when a migration makes the table anew."""
    from provisioning.models import guard

    # Migrated back to a time before the chain there is nothing to guard; flush says no ``apps``.
    if apps is None or "historyhead" in apps.all_models["provisioning"]:
        guard.install(connections[using])


def _provide_alarm_conditions(*, using, apps=None, **kwargs):
    """Each release may bring some; a flush takes all."""
    from provisioning.alarms.predefined import provide
    from provisioning.models import AlarmCondition

    if not router.allow_migrate_model(using, AlarmCondition):
        return
    if apps is None:
        provide()
    elif "alarmcondition" in apps.all_models["provisioning"]:
        # As the table is in the state that was migrated to.
        provide(apps.get_model("provisioning", "alarmcondition"))
