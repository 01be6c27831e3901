"""The planted world, with a real broker and everything that is logged."""

import logging
from contextlib import contextmanager

import pytest

from hostagent import bundle
from tests.conftest import _use_broker
from tests.provisioning.conftest import no_control

from .plant import PlantedWorld

__all__ = ["no_control"]


@pytest.fixture
def world(broker, no_control, caplog, closed_port, tmp_path, settings, django_capture_on_commit_callbacks):
    from console.celery import app

    @contextmanager
    def no_broker(url):
        before = app.conf.broker_url
        _use_broker(app, url)
        yield
        _use_broker(app, before)

    settings.PAIRWISE_TLS_DIR, settings.PAIRWISE_AGENT_DIR = tmp_path / "tls", tmp_path / "agent"
    bundle.build(settings.PAIRWISE_AGENT_DIR)
    caplog.set_level(logging.DEBUG)
    made = PlantedWorld()
    made.broker, made.closed_port, made.directory, made.no_broker = broker, closed_port, tmp_path, no_broker
    made.committing = lambda: django_capture_on_commit_callbacks(execute=True)
    made.log = lambda: caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    with made.committing():
        made.begin_jobs()
    return made
