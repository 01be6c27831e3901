"""By which names the console is asked: those that settings say where it is, IPv6 addresses too."""

import os
import subprocess
import sys

import pytest

from tests.sources import ROOT

ASKS = """
import sys
from django.conf import settings
from django.http import HttpRequest
request = HttpRequest()
request.META["HTTP_HOST"] = sys.argv[1]
print(request.get_host())
"""


def asked(directory, host: str, **changes: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "console.settings", "PAIRWISE_DATA_DIR": str(directory)}
    return subprocess.run([sys.executable, "-c", ASKS, host], cwd=ROOT, text=True, capture_output=True, timeout=60,
                          env=environment | changes)


@pytest.mark.parametrize(("host", "settings"), [
    ("[2001:db8::1]:8443", {"PAIRWISE_CONSOLE_URL": "https://[2001:db8::1]:8443"}),
    ("[2001:db8::2]:8000", {"PAIRWISE_ADVERTISED_HOST": "2001:db8::2"}),
    ("[2001:db8::3]", {"PAIRWISE_ALLOWED_HOSTS": "2001:db8::3,pairwise.example.com"}),
    ("[::1]:8000", {}), ("localhost:8000", {"PAIRWISE_CONSOLE_URL": "https://[::1"})])
def test_it_goes_by_every_name_that_settings_say(tmp_path, host, settings):
    done = asked(tmp_path, host, **settings)
    assert done.stdout.strip() == host, done.stderr


def test_it_goes_by_no_other_one(tmp_path):
    done = asked(tmp_path, "[2001:db8::4]", PAIRWISE_CONSOLE_URL="https://[2001:db8::1]")
    assert "DisallowedHost" in done.stderr
