"""The start files of applications as a job last found them on the host (guide step 4)."""

import uuid
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from django.db.models import OuterRef, Subquery

from protocol.said import legible
from provisioning.core.control_client import configuration_server
from provisioning.jobs.facts import Parameter, StartFile, StartFiles, Wanted
from provisioning.jobs.kinds import FIND_START_FILES
from provisioning.models import Application, FoundOnHost, Job
from provisioning.states import JobKind, JobState

NAMES = ("run.sh", "startServer.bat", "installService.bat")
TEXT_MAX, SENTENCE_MAX, PARAMETERS_MAX = 16 * 1024, 1000, 20
"""A host's word: characters of a file or of a difference, of any other text, and parameters of a file that are read."""


def start_files(applications: Iterable[Application]) -> dict[int, StartFiles]:
    """{id: the newest findings} of those applications that have any; three queries, however many they are."""
    rows = {row.pk: row for row in applications}
    found = Job.objects.filter(application=OuterRef("pk"), kind__in=FIND_START_FILES, state=JobState.SUCCEEDED,
                               result__has_key="start_files").order_by("-finished_at", "-created_at")
    newest = Application.objects.filter(pk__in=rows).annotate(newest=Subquery(found.values("pk")[:1]))
    keys = [key for key in newest.values_list("newest", flat=True) if key is not None]
    server = server_address()
    wanted = {key: Wanted(row.name, row.host.name if row.host else "", row.working_directory, server)
              for key, row in rows.items()}
    of_jobs = {job.application_id: of_job(job, wanted[job.application_id]) for job in Job.objects.filter(pk__in=keys)
               if job.application_id is not None}
    looks = FoundOnHost.objects.filter(application__in=rows).values_list("application_id", "host__name", "at", "body")
    of_looks = {key: of_look(body, wanted[key], host=host, at=at) for key, host, at, body in looks}
    both = {key: newer(of_jobs.get(key), of_looks.get(key)) for key in rows}
    return {key: facts for key, facts in both.items() if facts is not None}


def newer(one: StartFiles | None, other: StartFiles | None) -> StartFiles | None:
    """The findings that were made later."""
    return max(filter(None, (one, other)), key=lambda facts: facts.checked_at, default=None)


def of_job(job: Job, wanted: Wanted) -> StartFiles | None:
    """What a job about start files found; None when the host's report is no report of start files."""
    return _findings(job.result.get("start_files"), wanted, job_id=job.pk, kind=job.kind,
                     checked_at=job.finished_at or job.created_at, host=job.host_name,
                     asked=job.arguments.get("directory"))


def of_look(body: Any, wanted: Wanted, *, host: str, at: datetime, brief: bool = False) -> StartFiles | None:
    """What a look on ``host`` found (FoundOnHost.body); None when it saw no start files. ``brief``: of a file that
    starts the server rightly only that."""
    body = body if isinstance(body, dict) else {}
    asked = body.get("asked")
    return _findings(body.get("start_files"), wanted, job_id=None, kind=JobKind.COLLECT_FACTS, checked_at=at, host=host,
                     asked=asked.get("directory") if isinstance(asked, dict) else None, brief=brief)


def server_address() -> str:
    """What start files should name as Configuration Server."""
    return _address(configuration_server())


def _findings(body: Any, wanted: Wanted, *, job_id: uuid.UUID | None, kind: str, checked_at: datetime, host: str,
              asked: Any, brief: bool = False) -> StartFiles | None:
    """``asked``: the directory that the host was asked to look at."""
    if not isinstance(body, dict) or not isinstance(body.get("files"), list):
        return None
    files = files_of(body, brief=brief)
    return StartFiles(job_id=job_id, kind=kind, checked_at=checked_at,
                      equal=bool(files) and all(file.equal for file in files),
                      starts=any(file.name == "run.sh" and file.starts for file in files),
                      outdated=_outdated(body, wanted, host=host, asked=asked), files=files)


def files_of(body: Any, *, brief: bool = False) -> tuple[StartFile, ...]:
    """The start files in a host's word, each name once and of every file no more than an honest host says."""
    files = body.get("files") if isinstance(body, dict) else None
    by_name = {str(each.get("name")): each for each in (files if isinstance(files, list) else ())
               if isinstance(each, dict)}
    read = _briefly if brief else _file
    return tuple(read(by_name[name]) for name in NAMES if name in by_name)


def _outdated(body: dict, wanted: Wanted, *, host: str, asked: Any) -> str:
    checked = {"name": body.get("application"), "host": host, "directory": body.get("directory"),
               "Configuration Server": _address(body.get("configuration_server"))}
    now = {"name": wanted.name, "host": wanted.host, "directory": wanted.directory,
           "Configuration Server": wanted.server}
    for what, before in checked.items():
        # The agent says where the directory really is, which may be behind a link.
        if what == "directory" and asked == now[what]:
            continue
        if before != now[what]:
            return (f"Since then {wanted.name} has another {what} ({now[what] or 'none'} instead of "
                    f"{_text(before) or 'none'}). Check the start files again.")
    return ""


def _address(server: Any) -> str:
    return f"{server.get('host')}:{server.get('port')}" if isinstance(server, dict) else ""


def _briefly(body: dict) -> StartFile:
    if body.get("starts") is not True:
        return _file(body)
    return StartFile(name=body["name"], present=True, starts=True, equal=body.get("equal") is True)


_LONG = ("content", "expected", "diff")
_PLAIN = {field.name: field.type for field in fields(StartFile) if field.type in (bool, str, int)}


def _file(body: dict) -> StartFile:
    """A host's word: whatever is not of the kind that it should be is left out."""
    values = {name: body[name] for name, kind in _PLAIN.items() if isinstance(body.get(name), kind)}
    values |= {name: legible(value, TEXT_MAX if name in _LONG else SENTENCE_MAX)
               for name, value in values.items() if isinstance(value, str)}
    parameters, differs = ((each if isinstance(each, list) else [])[:PARAMETERS_MAX]
                           for each in (body.get("parameters"), body.get("differs")))
    return StartFile(**{
        **values, "modified_at": _time(body.get("modified_at")),
        "differs": tuple(map(_text, differs)),
        "parameters": tuple(
            Parameter(*(_text(each.get(name)) for name in ("name", "expected", "found", "state")))
            for each in parameters if isinstance(each, dict))})


def _text(value: Any) -> str:
    return legible(value, SENTENCE_MAX)


def _time(value: Any) -> datetime | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 4_102_444_800:
        return datetime.fromtimestamp(value, UTC)
    return None
