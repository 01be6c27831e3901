from provisioning.errors import Refusal, Refused
from provisioning.history.verify import ChainVerdict, Mark, verify
from provisioning.management.console import FAILED, OK, ServiceCommand


class Command(ServiceCommand):
    help = ("Check that history is what was recorded: no entry changed, missing or added. Prints COUNT:DIGEST; keep it "
            "elsewhere and give it to --expect later. Exit codes: 0 whole, 1 not, 2 wrong arguments.")
    command_name = "verify_history"

    def add_arguments(self, parser):
        parser.add_argument("--expect", default="", metavar="COUNT:DIGEST",
                            help="What an earlier run printed: history must still begin like that.")
        self.add_json(parser)

    def run(self, *, expect, as_json, **options) -> int:
        try:
            expected = Mark.read(expect) if expect else None
        except ValueError as error:
            raise Refused(Refusal(str(error), "expect")) from None
        verdict = verify(expected)
        if as_json:
            self.print_json({"whole": verdict.is_whole, "count": verdict.mark.count, "digest": verdict.mark.digest,
                             "entry": verdict.entry, "faults": verdict.faults})
        else:
            self.show(verdict)
        return OK if verdict.is_whole else FAILED

    def show(self, verdict: ChainVerdict) -> None:
        for sentence in verdict.faults:
            self.stderr.write(sentence)
        if verdict.is_whole:
            self.stdout.write(f"History is whole: {verdict.mark.count} entries.")
            self.stdout.write(str(verdict.mark))
