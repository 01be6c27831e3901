"""What a job says to a host and what the host reports back.

A job travels as ``(payload, signature)`` to the queue ``host.<name>``, a report as ``(report, signature)`` to the
queue ``console``; both are JSON and signed with the host's secret (``auth.sign``).

payload::

    {"job": uuid, "kind": install|start|stop, "host": name, "application": name, "issued_at": Unix seconds,
     "arguments": {...}}

arguments of *install*: package {id, path (URL path on the console), filename, sha256, size, version},
directory ("" = one of its own under the host's install root), application_secret_path (URL path),
configuration_server {host, port}, directory_name (safe name for a directory of its own),
taken_directories [other applications' directories on this host]; of *start*: startup_timeout (s) and the
application's fields of ``messages.Supervised``; of *stop*: graceful (bool), shutdown_timeout (s),
suspending_wait_timeout (s).

report::

    {"job", "host", "seq" (1, 2, ... without gaps), "at" (Unix seconds), "kind": claimed|step|log|alive|finished, ...}

    claimed   worker (name)
    step      number (from 0), state (STEP_STATES)
    log       lines [[at, level, text], ...]
    alive     nothing more; sent every ALIVE_S while the job runs
    finished  state (one of FINISHED), reason (sentence), advice (what to do), reference (of a bug), result {...}

result of *install*: working_directory, command_line, command_line_arguments, version, backup (where the former
installation was moved, or ""), facts {...}; of *start*: pid, mode; of *stop*: exit_code.
"""

RUN_JOB = "hostagent.run_job"
"""Celery task name on the host worker: (payload, signature)."""
RECORD_REPORT = "provisioning.record_report"
"""Celery task name on the console worker: (report, signature)."""
CONSOLE_QUEUE = "console"

ALIVE_S = 5.0

STEPS: dict[str, tuple[str, ...]] = {
    "install": (
        "Fetch the Installation Package",
        "Check and unpack it",
        "Write the start files",
        "Connect to the Configuration Server",
        "Put it in place",
        "Record facts",
    ),
    "start": ("Start the process", "Wait until the server is ready"),
    "stop": ("Ask the server to stop", "Wait until it has ended"),
}

STEP_STATES = ("waiting", "running", "done", "failed", "skipped")
FINISHED = ("succeeded", "failed", "error", "cancelled", "lost")


def host_queue(host: str) -> str:
    """Celery queue that only the worker of ``host`` consumes."""
    return f"host.{host}"
