"""A broker of somebody else's that speaks TLS, with a certificate of an authority that only the settings name."""

import contextlib
import subprocess
import sys

import pytest

from console.up.redis import server_program, wait_ready
from tests.ports import free_port

from .applications import installed
from .harness import PASSWORD, ROOT

ENDS_S = 20.0


@pytest.fixture
def broker(tmp_path, certificates):
    """``broker(*names)``: the rediss:// address of a Redis whose certificate is for these names."""
    with contextlib.ExitStack() as stack:
        def start(*names: str) -> str:
            plain, secured = free_port(), free_port()
            redis = _process(stack, [server_program(), "--port", str(plain), "--bind", "127.0.0.1", "--requirepass",
                                     PASSWORD, "--dir", str(tmp_path), "--save", ""], stdout=subprocess.DEVNULL)
            assert wait_ready(f"redis://:{PASSWORD}@127.0.0.1:{plain}/0", within_s=ENDS_S,
                              stopped=lambda: redis.poll() is not None)
            door = _process(stack, [sys.executable, "-m", "tests.scenarios.tls_door", str(secured), str(plain),
                                    *map(str, certificates.issue(*names))], stdout=subprocess.PIPE)
            assert door.stdout.readline() == "open\n"
            return f"rediss://:{PASSWORD}@127.0.0.1:{secured}/0"

        yield start


def _process(stack: contextlib.ExitStack, arguments: list[str], **options) -> subprocess.Popen:
    process = stack.enter_context(subprocess.Popen(arguments, cwd=ROOT, text=True, stdin=subprocess.DEVNULL, **options))
    stack.callback(process.wait, ENDS_S)
    stack.callback(process.terminate)
    return process


@pytest.mark.long
def test_jobs_reach_a_host_through_a_broker_with_tls(make_pairwise, broker, certificates):
    run = make_pairwise(PAIRWISE_REDIS_URL=broker("127.0.0.1"), PAIRWISE_REDIS_CA=str(certificates.authority)).start()
    assert installed(run, "MS_Broker")["version"]


@pytest.mark.long
def test_a_broker_with_a_certificate_for_another_name_is_not_used(make_pairwise, broker, certificates):
    run = make_pairwise(PAIRWISE_REDIS_URL=broker("other.example"), PAIRWISE_REDIS_CA=str(certificates.authority))
    run.launch()
    assert run.wait_end() == 2
    assert "not for 127.0.0.1" in run.text
