"""What a job says to a host and what the host reports back.

A job travels as ``(payload, signature)`` to the queue ``host.<name>``, a report as ``(report, signature)`` to the
queue ``reports.<name>``; both are JSON and signed with the host's secret (``sign_job``, ``sign_report``).

payload::

    {"job": uuid, "kind": key of STEPS, "host": name, "application": name, "issued_at": Unix seconds,
     "number": of the jobs signed for this host, in order, "arguments": {...},
     "again": True when the console has heard nothing of it: a host that ended it repeats its last report}

arguments of *install*: package {id, path (URL path on the console), filename, sha256, size, version},
directory ("" = one of its own under the host's install root), application_secret_path (URL path),
configuration_server {host, port}, directory_name (safe name for a directory of its own),
taken_directories [other applications' directories on this host]; of *start*: startup_timeout (s) and the
application's fields of ``messages.Supervised``; of *stop*: graceful (bool), shutdown_timeout (s),
suspending_wait_timeout (s); of *restart*: those of both; of *check_start_files*: directory (the Working Directory),
configuration_server {host, port}, log_on_as; of *repair_start_files*: the same and seen {file name: sha256 as
start_files said, "" for none}; of *make_certificates*: directory (the Working Directory), log_on_as, certificate_path
(URL path on the console); of *collect_facts*, which is of no application (application ""): applications [{id, name,
directory (the Working Directory), command_line, log_on_as, ports [numbers], hosts {name: address} of its pair}],
configuration_server.

report::

    {"job", "host", "seq" (1, 2, ... without gaps), "at" (Unix seconds), "kind": one of the following, ...}

    claimed   worker (name)
    step      number (from 0), state (STEP_STATES)
    log       lines [[at, level, text], ...]
    alive     nothing more; sent every ALIVE_S while the job runs
    refused   what (one of REFUSED), text (sentence): a job that the host did not take; without "job" and "seq"
    several   items [{"kind", "at", ...}, ...] of claimed, step, log and alive, in order
    finished  state (one of FINISHED), reason (sentence), advice (what to do), reference (of a bug), result {...}

result of *install*: working_directory, command_line, command_line_arguments, version, backup (where the former
installation was moved, or ""), facts {...}, start_files; of *start*: pid, mode; of *stop*: exit_code; of *restart*:
pid, mode, exit_code; of *check_start_files*: start_files; of *repair_start_files*: start_files (as they are now),
backup (where the former ones are, or ""), written [file names]; of *make_certificates*: certificate, certificate_key,
trusted_ca (absolute paths), not_after (Unix seconds); of *collect_facts*: found.

found: applications [{name, directory, program {present, path (links followed), owner, usable (the log-on account may
use it as it must), problem (sentence or "")}, start_files, process {pid, account, arguments [words]} or null,
listeners {port number: "python3 (pid 123, account x)", or "" for the application's own process} of ports that anybody
listens on, runs (the program said its version as the log-on account; null: it was not asked), runs_problem, version,
changed [names of files that are not as the package shipped them] or null, disk_free_bytes (of the directory's file
system)}], names {name of a host: [its addresses here]}, reverse {address of a host: its name here, "" for none},
without those that the resolver did not answer in time, clock_synchronized (bool, null while not known). No secret is
in it.

start_files: application, directory, checked_at (Unix seconds), configuration_server {host, port}, equal (all files are
as they should be), starts (run.sh passes the right -host, -port and -app), files [{name, present, problem (sentence or
""), content (at most 16 KB), sha256 ("" when absent), size, mode ("0750"), owner, modified_at, expected (content),
expected_mode, expected_owner, differs [content, mode, owner], equal, starts, sentence, diff (unified, from what is
there to what should be), parameters [{name, expected, found, state: right|missing|different|placeholder|unknown}]}].
"""

from collections.abc import Callable
from typing import Any

from . import auth

RUN_JOB = "hostagent.run_job"
"""Celery task name on the host worker: (payload, signature)."""
RECORD_REPORT = "provisioning.record_report"
"""Task name in the message of a report: (report, signature). The console reads it without Celery."""
CONSOLE_QUEUE = "console"
"""The console's own tasks; no account of a host reaches it."""
REPORT_BYTES_MAX, REPORTS_MAX, REPORTS_BYTES_MAX = 16 * 1024 * 1024, 10_000, 64 * 1024 * 1024
"""Of one message with a report, of those of a host that wait, and of all that wait together in bytes."""

SIGNATURES = 2
"""The way in which requests, jobs and reports are signed, as a host's fact ``reports`` says it; true was the first."""
SIGNED_WITHIN_S = 300.0
"""So much a signature's time may differ from the clock of who looks at it, where nothing else makes it good once."""

ALIVE_S = 5.0
AT_ONCE = 2
"""So many jobs a host works on at the same time."""
TAKE_WITHIN_S = 15 * 60
"""The console gives a job up that no host took for so long, and no host may run it any more."""

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
    "restart": ("Ask the server to stop", "Wait until it has ended", "Start the process",
                "Wait until the server is ready"),
    "collect_facts": ("Look at the applications", "Ask for the names of the hosts"),
    "check_start_files": ("Read the start files", "Compare them with what they should be"),
    "make_certificates": ("Fetch certificate and key", "Write them into the Working Directory"),
    "repair_start_files": ("Read the start files", "Write them as they should be", "Check them"),
}

STEP_STATES = ("waiting", "running", "done", "failed", "skipped")
REFUSED = ("refused", "repeated", "late")
FINISHED = ("succeeded", "failed", "error", "cancelled", "lost")


def host_queue(host: str) -> str:
    """Celery queue that only the worker of ``host`` consumes."""
    return f"host.{host}"


def reports_queue(host: str) -> str:
    """Queue to which ``host`` alone adds its reports, and which the console alone reads."""
    return f"reports.{host}"


def sign_job(secret: str, payload: dict[str, Any]) -> str:
    """The console's signature of a job for ``payload``'s host."""
    return _sign(secret, auth.JOB, payload, host_queue, "issued_at")


def sign_report(secret: str, report: dict[str, Any]) -> str:
    """The signature of ``report`` by the host that it names."""
    return _sign(secret, auth.REPORT, report, reports_queue, "at")


def _sign(secret: str, purpose: str, body: dict[str, Any], queue: Callable[[str], str], time: str) -> str:
    host = str(body.get("host"))
    return auth.sign(secret, purpose, host=host, method="send", path=queue(host), at=str(body.get(time)),
                     body=auth.canonical(body).encode("utf-8", "surrogatepass"))


def bounded_queue() -> dict[str, int | str]:
    """Arguments of a queue of reports at RabbitMQ, which refuses what is more: the host sends it later."""
    return {"x-max-length": REPORTS_MAX, "x-max-length-bytes": REPORTS_BYTES_MAX, "x-overflow": "reject-publish"}


def host_control(host: str) -> str:
    """Celery control exchange by which the worker of ``host`` alone is told to end a job, or asked whether it lives."""
    return f"control.{host}"


def broker_options(url: str) -> dict[str, bool | int]:
    """Transport options of Celery for the broker at ``url``: Redis, else RabbitMQ."""
    if url.startswith("amqp"):
        # A job counts as handed over once the broker has it on its disk.
        return {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10}
    return {
        # The broker never decides that a job is dead, the console's reaper does.
        "visibility_timeout": 86_400, "unacked_restore_interval": 10, "unacked_restore_throttle": 1,
        # A connection that is open at one end only is noticed within about three of these timeouts.
        "socket_keepalive": True, "health_check_interval": 5, "socket_timeout": 5, "socket_connect_timeout": 5,
    }
