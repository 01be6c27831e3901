"""A host's account is enough for its worker at each server that is offered."""

from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import redis

from tests import brokers

from .site import running_site


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """Debian's; the other tests of the worker have the one of the wheel."""
    program = brokers.debians_redis()
    if program is None:
        pytest.skip("Redis 7.0 is not installed")
    with brokers.running(program, tmp_path_factory.mktemp("redis")) as url:
        port = urlsplit(url).port
        yield SimpleNamespace(port=port, client=lambda db: redis.Redis(port=port, db=db))


async def test_at_redis_7_0_a_job_is_taken_and_reported_with_no_word_refused(tmp_path, broker):
    with running_site(tmp_path, broker, 0) as site:
        async with site.control:
            await site.control.met()
            installed = await site.finished(site.send(site.install_payload()))
            assert (installed["state"], installed["reason"]) == ("succeeded", "")
