"""Pairs that tests of several pages use."""

import pytest

from provisioning.models import RuntimeStatus
from tests import factories


@pytest.fixture
def lost():
    """A pair whose active member is gone while its standby lacks messages."""
    primary, backup = factories.make_pair(in_sync=False)
    RuntimeStatus.objects.filter(application=primary).update(status="Gave Up", mode="", last_seq=150)
    return primary, backup
