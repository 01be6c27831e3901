"""Rows that the key of the console protects, and how it changes."""

import secrets
from types import SimpleNamespace

import pytest

from provisioning.history import history
from tests import commands, factories


@pytest.fixture
def some():
    """A host, an application with a secret option, and entries of history."""
    host = factories.make_host("edge1")
    row = factories.make_application("MS_A", host=host, options={"clients": {"ada": "s3cret-passcode"}})
    for number in range(3):
        history.record_verb(actor=factories.ADMINISTRATOR, row=host, reason=f"Did {number}.")
    return SimpleNamespace(host=host, application=row, secrets=(host.secret, row.secret))


@pytest.fixture
def change(settings):
    """The key becomes another one, with the former ones as fallbacks unless ``keep`` is False; the former key."""
    def change(*, keep=True):
        former = settings.SECRET_KEY
        settings.SECRET_KEY_FALLBACKS = [former, *settings.SECRET_KEY_FALLBACKS] if keep else []
        settings.SECRET_KEY = secrets.token_urlsafe(48)
        return former
    return change


@pytest.fixture
def rotate(transactional_db):
    """Runs the command: (exit code, what it printed)."""
    def rotate():
        code, out, err = commands.run("rotate_key")
        return code, out + err

    return rotate
