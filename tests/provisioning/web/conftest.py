"""What the walks over all addresses share."""

import pytest

from tests.provisioning.walk import World, forgotten


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker):
    """The world, made once: each request takes back what it did, and the end of the module all of it."""
    with django_db_blocker.unblock(), forgotten():
        yield World()


@pytest.fixture
def world(made, db, broker, no_control, settings):
    settings.PAIRWISE_METRICS = ["loopback"]
    return made
