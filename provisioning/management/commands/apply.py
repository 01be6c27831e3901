import sys
import time
from pathlib import Path

from provisioning.errors import Refused
from provisioning.fleet.services import apply, planned
from provisioning.fleet.services.manifest import MAX_BYTES, read_manifest
from provisioning.management.console import OK, REFUSED, ServiceCommand

SIGNS = {planned.CREATE: "+", planned.CHANGE: "~", planned.NOTHING: "="}
TELL_EVERY_S = 1.0
QUESTION, ADD_YES = "Apply this plan?", "Add --yes to apply this plan."


class Command(ServiceCommand):
    help = ("Make the Configuration Database hold what FILE (YAML, - for stdin) says of hosts, templates, packages, "
            "applications, alarm conditions, channels, notification rules and audit targets: prints a plan, asks, and "
            "does it; what is refused changes nothing. Exit codes: 0 done or nothing to do, 2 refused, 3 the database "
            "was busy. Where it stopped half way, it says how far it came: apply the same file again.")
    command_name = "apply"
    told_at = float("-inf")

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--yes", action="store_true", help="Apply without asking.")
        self.add_json(parser)

    def run(self, *, file, yes, as_json, **options) -> int:
        path = Path("." if file == "-" else file)
        directory = path if file == "-" else path.parent
        manifest = read_manifest(self.read(file), file_name=path.name if file != "-" else "The input")
        plan = apply.plan(actor=self.actor, manifest=manifest, directory=directory)
        if not as_json:
            self.show(plan)
        if not plan.is_empty:
            if not yes and not self.agreed(QUESTION, otherwise=ADD_YES, can_ask=file != "-"):
                if as_json:
                    self.print_json(planned.described(plan, applied=False))
                return REFUSED
            apply.apply(actor=self.actor, planned=plan, tell=self.progress)
        if as_json:
            self.print_json(planned.described(plan, applied=not plan.is_empty))
        else:
            self.stdout.write("Nothing to do." if plan.is_empty else "Done.")
        return OK

    def progress(self, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self.told_at >= TELL_EVERY_S and done < of:
            self.told_at = now
            self.stderr.write(f"Applying {done} of {of} ...")

    def read(self, file: str) -> bytes:
        try:
            if file == "-":
                return sys.stdin.buffer.read(MAX_BYTES + 1)
            with open(file, "rb") as stream:
                return stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise Refused(f"{file} cannot be read: {error.strerror}.") from None

    def show(self, plan: planned.ApplyPlan) -> None:
        for entry in plan.entries:
            self.stdout.write(f"{SIGNS[entry.action]} {entry.action} {entry.kind} {entry.name}")
            for row in entry.differences:
                old = f"{row.theirs or '(empty)'} → " if entry.action == planned.CHANGE else ""
                self.stdout.write(f"    {row.label}: {old}{row.yours or '(empty)'}")
            for hint in entry.hints:
                self.stdout.write(f"    ! {hint}")
