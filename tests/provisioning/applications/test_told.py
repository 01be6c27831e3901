"""What programs are told of applications in a list is what the report of everything says of them."""

import pytest

from provisioning.applications.selectors.told import told
from provisioning.models import Application
from provisioning.monitoring.selectors.status import applications_status, status_report
from tests.factories import make_application, make_pair

OF_A_MOMENT = ("age_s", "heard_s")


def plain(said):
    return {key: value for key, value in said.items() if key not in OF_A_MOMENT}


@pytest.mark.parametrize("together", [True, False])
def test_of_members_of_a_pair_and_of_others_both_say_the_same(db, together):
    make_pair()
    make_application("Alone")
    keys = list(Application.objects.order_by("pk").values_list("pk", flat=True))

    found = applications_status(told(keys)) if together else [
        said for key in keys for said in applications_status(told([key]))]

    expected = {said["name"]: plain(said) for said in status_report()["applications"]}
    assert len(found) == 3
    assert {said["name"]: plain(said) for said in found} == expected


def test_of_what_is_not_there_any_more_nothing_is_told(db):
    row = make_application("Alone")

    assert [each.pk for each in told([row.pk + 1, row.pk])] == [row.pk]
