"""Jobs of which hosts report."""

import pytest
from django.utils import timezone

from tests.factories import make_application, make_host, make_job


@pytest.fixture
def job():
    return make_job(make_application("MS", host=make_host("alpha")), enqueued_at=timezone.now())


@pytest.fixture
def install_job():
    return make_job(make_application("MS", host=make_host("alpha")), kind="install", steps=6)
