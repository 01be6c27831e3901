"""What a start says of control, where there are several."""

import pytest

from console.up.standby import sentence, standing
from control.leadership import instance_of
from control.lease import LEADER
from provisioning.record.models import Leadership


@pytest.mark.parametrize(("holder", "said"), [("", False), ("here:/var", False), ("there:/var", True)])
def test_the_second_machine_says_who_leads(holder, said):
    told = sentence(holder=holder, address="10.0.0.1:2020", me="here:/var")
    assert ("10.0.0.1:2020 leads" in told) is said


@pytest.mark.django_db(databases=["default", "control", "log"])
def test_it_is_read_from_the_record_of_who_leads(settings):
    assert standing() == {"sentence": ""}
    row = Leadership.objects.create(name=LEADER, holder=instance_of(settings.PAIRWISE_DATA_DIR), address="a:2020")
    assert standing() == {"sentence": ""}
    row.holder = "elsewhere:/var/lib/pairwise"
    row.save()
    assert "standby control: the one at a:2020 leads" in standing()["sentence"]
