"""A peer whose machine is gone is noticed also when it had promised signs of life only now and then."""

import os
import shutil
import subprocess
import sys

import pytest

DIALS = """
import asyncio, os, subprocess, time
from protocol import wire

wire.UNACKNOWLEDGED_S = 1.0
SECRET = "secret"


async def answer(reader, writer):
    opening = await wire.Opening.read(reader, writer)
    await opening.channel.send(opening.welcome(SECRET, heartbeat_s=0.2, silence_s=60.0))
    await asyncio.Event().wait()


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 7001)
    channel = await wire.dial("127.0.0.1", 7001, kind="host", name="h", secret=SECRET)
    subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
    begun = time.monotonic()
    try:
        await channel.receive()
    except wire.WireError as error:
        print(time.monotonic() - begun, error, flush=True)
    os._exit(0)  # the answering side would wait for ever


asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="a network of its own needs root")
def test_a_peer_that_takes_nothing_any_more_is_given_up_long_before_its_silence():
    inside = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "-", sys.executable, "-c", DIALS]
    ended = subprocess.run(inside, capture_output=True, text=True, timeout=60)
    seconds, _, reason = ended.stdout.partition(" ")
    assert reason.startswith("the connection broke"), ended.stdout + ended.stderr
    assert 0.5 < float(seconds) < 5
