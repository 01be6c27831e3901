"""The first administrator, and a password that is given for it."""

import pytest
from django.contrib.auth import get_user_model

from console.up.errors import CannotStart
from console.up.programs import ADMIN
from console.up.setup import make_administrator, make_roles
from provisioning.accounts.selectors.users import get_person
from provisioning.accounts.services import users
from provisioning.core.permissions import command_line_actor
from provisioning.models import HistoryEntry
from provisioning.states import Role

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("given", ["a", "password123"])
def test_a_password_that_the_page_would_refuse_is_refused_at_the_start_and_the_present_one_stays(given):
    make_roles()
    made = make_administrator("")
    with pytest.raises(CannotStart, match=r"PAIRWISE_ADMIN_PASSWORD is not taken: .* Give another one"):
        make_administrator(given)
    assert get_user_model().objects.get(username=ADMIN).check_password(made)


def test_one_that_is_refused_at_the_very_first_start_leaves_no_half_an_administrator():
    make_roles()
    with pytest.raises(CannotStart):
        make_administrator("a")
    make_administrator("a-good-long-one")
    assert get_user_model().objects.get(username=ADMIN).groups.filter(name=Role.ADMINISTRATOR).exists()


def test_a_good_one_is_set():
    make_roles()
    make_administrator("")
    assert make_administrator("a-good-long-one") == ""
    assert get_user_model().objects.get(username=ADMIN).check_password("a-good-long-one")


def test_one_that_is_set_takes_the_place_of_one_for_one_sign_in_and_history_says_so():
    make_roles()
    make_administrator("")
    administrator = get_user_model().objects.get(username=ADMIN)
    users.reset_password(actor=command_line_actor("users"), user_id=administrator.pk)
    assert get_person(administrator.pk).must_change_password
    make_administrator("a-good-long-one")
    assert not get_person(administrator.pk).must_change_password
    assert HistoryEntry.objects.first().reason == "The password was set by PAIRWISE_ADMIN_PASSWORD."
