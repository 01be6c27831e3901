"""What each process that stays has loaded: what it does not need costs memory for as long as the console runs."""

import json
import os
import subprocess
import sys

import pytest

from console.up.programs import agent_environment
from tests.sources import ROOT

SHOW = "import json, sys; print(json.dumps(sorted(sys.modules)))"
SETUP = "import django; django.setup()"
PAGES = ("provisioning.urls", "provisioning.fleet.views", "crispy_forms.helper", "allauth", "fido2", "requests")
PROCESSES = {
    # name: (its command line, what it imports at its start, what it is not to load)
    "up": (["manage.py", "up"], "import console.up.command, console.up.main",
           ("django.db.models", "django.contrib.auth", "django.core.management", "provisioning", "celery", "kombu",
            "redis", "cryptography.x509", "psycopg")),
    "control": (["manage.py", "runcontrol"],
                f"{SETUP}; from console.management.commands import runcontrol; import control.main",
                (*PAGES, "provisioning.registrations", "provisioning.verbs", "celery", "kombu", "click", "asyncssh")),
    "log reader": (["manage.py", "runlog"], f"{SETUP}; from console.management.commands import runlog",
                   (*PAGES, "apprise", "asyncssh", "console.schedule")),
    "console worker": (["console/worker.py"], f"{SETUP}; import console.celery, console.schedule, celery.apps.worker",
                       (*PAGES, "asyncssh", "uvicorn", "celery.bin", "prompt_toolkit")),
    "agent": (["-m", "hostagent"], "import hostagent.__main__, hostagent.agent",
              ("django", "console", "provisioning", "celery", "kombu", "redis", "cryptography")),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_loads_nothing_that_it_does_not_need(name, tmp_path):
    line, imports, unwanted = PROCESSES[name]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv = {line!r}; {imports}; {SHOW}"], cwd=ROOT, check=True, text=True,
        capture_output=True, timeout=60, env={**os.environ, "PAIRWISE_DATA_DIR": str(tmp_path),
                                              "DJANGO_SETTINGS_MODULE": "console.settings"})
    loaded = json.loads(done.stdout)
    found = {each for each in loaded for one in unwanted if each == one or each.startswith(f"{one}.")}
    assert not found
    assert len(loaded) > 100  # it did load what it needs


def test_nothing_tells_a_host_of_the_console_s_django(monkeypatch):
    """Celery would load all of it into the host worker and each of its pool processes."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "console.settings")
    assert not [name for name in agent_environment("mark") if name.startswith("DJANGO")]
