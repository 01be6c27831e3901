"""Installations as they were after a migration that newer ones do not go through any more."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def one_by_one(alias_connection=connection) -> MigrationExecutor:
    """Knows the replaced migrations alone."""
    executor = MigrationExecutor(alias_connection)
    executor.loader.replace_migrations = False
    executor.loader.build_graph()
    return executor


def models_of(name: str):
    """What ``apps.get_model`` of a migration after ``name`` is."""
    return one_by_one().loader.project_state(("provisioning", name)).apps.get_model


def make_former(name: str):
    """An empty Configuration Database as a version made it whose last migration was ``name``; its ``get_model``."""
    one_by_one().migrate([("provisioning", name)])
    return models_of(name)
