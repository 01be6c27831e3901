"""Cookies are named by the port by which browsers know the console: the same at all web processes behind a balancer,
and others than those of another console of that name."""

import os
import re
import subprocess
import sys

from tests.sources import ROOT, sources

NAMES = """
import django
django.setup()
from django.conf import settings
from provisioning.web.privacy import SHOWN_TO
from provisioning.web.saved import SAVED
print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, SHOWN_TO, SAVED)
"""


def names(directory, **changes: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", NAMES], cwd=ROOT, text=True, capture_output=True, timeout=60, env={
        **os.environ, "DJANGO_SETTINGS_MODULE": "console.settings", "PAIRWISE_DATA_DIR": str(directory), **changes})
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_web_processes_on_different_ports_have_the_same_and_another_console_has_others(tmp_path):
    first, second, other = (names(tmp_path, PAIRWISE_PORT=port, PAIRWISE_CONSOLE_URL=url) for port, url in (
        ("8000", "https://pairwise.example.com"), ("8001", "https://pairwise.example.com"),
        ("8000", "https://pairwise.example.com:8443")))
    assert first == second
    assert len(set(first) | set(other)) == 2 * len(first) == 8


def test_no_name_of_a_cookie_is_made_of_the_port_of_a_process():
    made = [(name, line) for name, text in sources().items() for line in text.splitlines()
            if re.search(r'f"pairwise_\w+_\{\S*PORT', line) and "{settings.PORT_OF_BROWSERS}" not in line
            and "{PORT_OF_BROWSERS}" not in line]
    assert made == []
