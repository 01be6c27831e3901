import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.db import DatabaseError

from protocol.files import replacing
from provisioning.audit.exports import FORMATS, TEXT
from provisioning.audit.exports.report import PairReport
from provisioning.audit.exports.stored_results import (
    EVERYTHING,
    LAST,
    Pairs,
    head_of,
    moment_of,
    primaries_named,
    results_of,
)
from provisioning.audit.services.audits import audit_now, look_first
from provisioning.errors import Refused
from provisioning.management.console import FAILED, OK, REFUSED, ServiceCommand
from provisioning.models import AuditRun
from provisioning.states import Severity


class Command(ServiceCommand):
    help = ("Are pairs set up right? Audits them and prints what was found. Exit codes: 0 nothing at or above "
            "--fail-on, 1 something is (with --fail-on warning also what is not known), 2 it could not be audited.")
    command_name = "audit"
    busy = REFUSED

    def add_arguments(self, parser):
        parser.add_argument("names", nargs="*", metavar="NAME",
                            help="Names of either member, or of a single Message Server; none: all.")
        parser.add_argument("--format", choices=["text", *FORMATS], default="text", dest="file_format",
                            help="How it is printed (default %(default)s).")
        parser.add_argument("--output", default="-", metavar="FILE", help="Write it there; - is standard output.")
        parser.add_argument("--fail-on", choices=[str(Severity.ERROR), str(Severity.WARNING)],
                            default=str(Severity.ERROR), dest="least",
                            help="Least severity that makes the exit code 1 (default %(default)s).")
        parser.add_argument("--no-look", action="store_true",
                            help="Do not look on the hosts first; what was found there lately counts.")
        parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS",
                            help="Wait so long for the hosts (default %(default)s).")
        parser.add_argument("--compare-with", default="", metavar="WHEN", dest="when",
                            help="Say what is new and what is gone since a date (2026-11-24, 2026-11-24T09:30) or "
                                 "since the last run (last).")
        self.add_json(parser)

    def handle(self, *args, **options):
        if options["as_json"]:
            options["file_format"] = "json"
        try:
            super().handle(*args, **options)
        except DatabaseError as error:
            # Pipelines read 1, with which a traceback ends, as a finding.
            self.refused(Refused(f"The Configuration Database did not do what the audit asked of it: {error}."),
                         as_json=options["as_json"])
            sys.exit(REFUSED)

    def run(self, *, names, no_look, timeout, **options) -> int:
        primaries = primaries_named(names) if names else None
        late = 0 if no_look else look_first(actor=self.actor, primary_ids=primaries, timeout_s=timeout)
        if late:
            self.stderr.write(f"{late} {'host has' if late == 1 else 'hosts have'} not answered within {timeout:g} "
                              "s: what is true there is as it was found before, or not known.")
        return self._audit(names, primaries, **options)

    def _audit(self, names: list[str], primaries: list[int] | None, *, file_format, output, least, when,
               **options) -> int:
        run = audit_now(actor=self.actor, primary_ids=primaries, here=True, look=False)
        baseline = baseline_of(when, run) if when and run else None
        results = results_of(primaries)
        scope = ", ".join(names) if names else EVERYTHING
        head = head_of(results, scope=scope, made_by=self.actor.name, least=least, compared_with=baseline)
        pairs = Watched(results, baseline, least)
        self.put((TEXT if file_format == "text" else FORMATS[file_format]).write(head, pairs), output)
        return FAILED if pairs.failed else OK

    def put(self, parts: Iterator[str], output: str) -> None:
        if output == "-":
            for part in parts:
                self.stdout.write(part, ending="")
            return
        try:
            write_file(Path(output), parts)
        except OSError as error:
            raise Refused(f"{output} cannot be written: {error.strerror or error}. Name another file.") from None


class Watched(Pairs):
    """Notes while it is walked whether something of the severity ``least`` was found."""

    def __init__(self, ids: list[int], baseline: datetime | None, least: str):
        super().__init__(ids, baseline)
        self.least, self.failed = least, False

    def __iter__(self) -> Iterator[PairReport]:
        for pair in super().__iter__():
            self.failed = self.failed or pair.fails(self.least)
            yield pair


def baseline_of(when: str, run: AuditRun) -> datetime:
    """The moment whose results ``run`` is compared with. Raises Refused."""
    if when != LAST:
        return moment_of(when, run.at)
    before = AuditRun.objects.filter(pk__lt=run.pk).order_by("-pk").first()
    return before.at if before else run.at - timedelta(microseconds=1)


def write_file(path: Path, parts: Iterator[str]) -> None:
    """All of it or nothing: a pipeline never reads half a report."""
    # A report is not secret.
    with replacing(path, mode=0o644, lasting=False) as file:
        file.writelines(part.encode() for part in parts)
