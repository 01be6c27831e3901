"""Two people who sign in."""

import pytest

from provisioning.states import Role
from tests import factories
from tests.provisioning.sign_ins import PASSWORD


@pytest.fixture
def otto(db):
    return factories.make_user("otto", roles=(Role.OPERATOR,), password=PASSWORD)


@pytest.fixture
def ada(db):
    return factories.make_user("ada", roles=(Role.ADMINISTRATOR,), password=PASSWORD)
